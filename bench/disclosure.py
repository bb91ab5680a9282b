"""Every small tree, every history, every set of pieces: can anything from 1 to k - 1 be proved? By brute force.

The guarded rule must disclose nothing, nor may the one that shows at most half of what places together could hold
(--half-full). The same rule without its guard must be caught, or the search proves nothing.
All shapes of one, two and three levels (groups, wards, borough) up to so many pieces.
"""

import sys

from bench.report import cpu_time, parser_for, report
from bench.small_trees import disclosed, guarded, half_full, shapes, unguarded

UNGUARDED_LEAVES = 5  # the broken rule is caught on the smallest trees already


def main() -> int:
    """Exit code 0 if nothing is disclosed with the guard, and something without it."""
    parser = parser_for(__doc__, size="leaves", default=8)
    parser.add_argument("--k", type=int, default=3, help="the threshold (default 3)")
    parser.add_argument("--half-full", action="store_true", help="the stricter guard")
    options = parser.parse_args()
    guard = half_full if options.half_full else guarded
    rows, bad, caught = [], 0, 0
    for leaves in range(1, options.leaves + 1):
        found = [shape for depth in (1, 2, 3) for shape in shapes(leaves, depth)]
        spent, results = cpu_time(lambda found=found: [disclosed(shape, options.k, guard) for shape in found])
        cubes, classes, disclosures = (sum(column) for column in zip(*results, strict=True))
        if leaves <= UNGUARDED_LEAVES:
            caught += sum(disclosed(shape, options.k, unguarded)[2] for shape in found)
        bad += disclosures
        rows.append(
            {
                "pieces": leaves,
                "shapes": len(found),
                "cubes": cubes,
                "classes": classes,
                "cubes x sets": cubes * 2**leaves,
                "disclosed": disclosures,
                "cpu_s": round(spent, 2),
            }
        )
    report({"k": options.k, "caught_without_guard": caught}, rows, options=options)
    return 0 if not bad and caught else 1


if __name__ == "__main__":
    sys.exit(main())
