"""A search by brute force for numbers from 1 to k - 1 that can be proved, over all sets of pieces of small trees.

The guarded rule must disclose nothing, nor may the rule that shows at most half of what places together could hold
(--half-full). Without its guard the same rule must be caught, or the search shows nothing.
All shapes of one, two and three levels (groups, wards, borough) with up to so many pieces.
"""

import sys

from bench.report import build_parser, measure_cpu, report
from bench.small_trees import count_disclosed, guarded, half_full, list_shapes, unguarded

UNGUARDED_LEAVES = 5  # the rule without a guard is caught on the smallest trees already


def main() -> int:
    """Exit code 0 if nothing is disclosed with the guard, and something without it."""
    parser = build_parser(__doc__, size="leaves", default=8)
    parser.add_argument("--k", type=int, default=3, help="the threshold (default 3)")
    parser.add_argument("--half-full", action="store_true", help="the stricter guard")
    options = parser.parse_args()
    guard = half_full if options.half_full else guarded
    rows, disclosure_count, caught = [], 0, 0
    for leaves in range(1, options.leaves + 1):
        trees = [shape for depth in (1, 2, 3) for shape in list_shapes(leaves, depth)]
        seconds, results = measure_cpu(
            lambda trees=trees: [count_disclosed(shape, options.k, guard) for shape in trees]
        )
        cubes, classes, disclosures = (sum(column) for column in zip(*results, strict=True))
        if leaves <= UNGUARDED_LEAVES:
            caught += sum(count_disclosed(shape, options.k, unguarded)[2] for shape in trees)
        disclosure_count += disclosures
        rows.append(
            {
                "pieces": leaves,
                "shapes": len(trees),
                "cubes": cubes,
                "classes": classes,
                "cubes x sets": cubes * 2**leaves,
                "disclosed": disclosures,
                "cpu_s": round(seconds, 2),
            }
        )
    report({"k": options.k, "caught_without_guard": caught}, rows, options=options)
    return 0 if not disclosure_count and caught else 1


if __name__ == "__main__":
    sys.exit(main())
