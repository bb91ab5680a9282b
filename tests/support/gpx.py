"""Tracks in GPX for tests, and what its schema forbids."""

import datetime as dt
from collections.abc import Sequence
from functools import cache

from lxml import etree

__all__ = ["gpx_faults", "gpx_of", "walked"]


Fix = tuple[dt.datetime | None, float, float]


def gpx_of(fixes: Sequence[Fix], *, waypoints: bool = False, zone: str = "Z") -> str:
    """A document with the fixes (moment, lon, lat) as one track, or as waypoints."""
    tag = "wpt" if waypoints else "trkpt"
    points = "".join(
        f'<{tag} lat="{lat:.7f}" lon="{lon:.7f}">'
        + (f"<time>{moment.astimezone(dt.UTC):%Y-%m-%dT%H:%M:%S}{zone}</time>" if moment else "")
        + f"</{tag}>"
        for moment, lon, lat in fixes
    )
    body = points if waypoints else f"<trk><name>PC 1234 Smith</name><trkseg>{points}</trkseg></trk>"
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        f'<gpx version="1.1" creator="test" xmlns="http://www.topografix.com/GPX/1/1">{body}</gpx>'
    )


def walked(stays: Sequence[tuple[dt.datetime, float, float, float]], *, every_s: int = 30) -> list[Fix]:
    """Fixes of a team that is at each place (from, lon, lat, minutes), and between them 900 m to the north."""
    fixes: list[Fix] = []
    step, away = dt.timedelta(seconds=10), 0.008
    for begins, lon, lat, minutes in stays:
        seconds = range(0, round(minutes * 60) + 1, every_s)
        fixes.append((begins - step, lon, lat + away))
        fixes += [(begins + dt.timedelta(seconds=second), lon, lat) for second in seconds]
        fixes.append((begins + dt.timedelta(minutes=minutes) + step, lon, lat + away))
    return fixes


POINT = """
  <xs:complexType name="{name}">
    <xs:sequence>
      <xs:element name="name" type="xs:string"/>
      <xs:element name="cmt" type="xs:string" minOccurs="0"/>
      <xs:element name="desc" type="xs:string" minOccurs="0"/>
      <xs:element name="type" type="xs:string" minOccurs="0"/>
    </xs:sequence>
    <xs:attribute name="lat" use="required"><xs:simpleType><xs:restriction base="xs:decimal">
      <xs:minInclusive value="-90"/><xs:maxInclusive value="90"/></xs:restriction></xs:simpleType></xs:attribute>
    <xs:attribute name="lon" use="required"><xs:simpleType><xs:restriction base="xs:decimal">
      <xs:minInclusive value="-180"/><xs:maxExclusive value="180"/></xs:restriction></xs:simpleType></xs:attribute>
  </xs:complexType>
"""
SCHEMA = f"""
<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:g="http://www.topografix.com/GPX/1/1"
    targetNamespace="http://www.topografix.com/GPX/1/1" elementFormDefault="qualified">
  {POINT.format(name="point")}
  <xs:element name="gpx"><xs:complexType>
    <xs:sequence>
      <xs:element name="metadata"><xs:complexType><xs:sequence>
        <xs:element name="name" type="xs:string"/>
        <xs:element name="desc" type="xs:string"/>
        <xs:element name="time" type="xs:dateTime"/>
      </xs:sequence></xs:complexType></xs:element>
      <xs:element name="wpt" type="g:point" minOccurs="0" maxOccurs="unbounded"/>
      <xs:element name="rte" minOccurs="0" maxOccurs="unbounded"><xs:complexType><xs:sequence>
        <xs:element name="name" type="xs:string"/>
        <xs:element name="desc" type="xs:string"/>
        <xs:element name="number" type="xs:nonNegativeInteger"/>
        <xs:element name="rtept" type="g:point" maxOccurs="unbounded"/>
      </xs:sequence></xs:complexType></xs:element>
    </xs:sequence>
    <xs:attribute name="version" fixed="1.1" use="required"/>
    <xs:attribute name="creator" type="xs:string" use="required"/>
    <xs:anyAttribute namespace="http://www.w3.org/2001/XMLSchema-instance" processContents="skip"/>
  </xs:complexType></xs:element>
</xs:schema>
"""


@cache
def rules() -> etree.XMLSchema:
    return etree.XMLSchema(etree.fromstring(SCHEMA))


def gpx_faults(file: bytes) -> list[str]:
    """What breaks the rules, a sentence each; empty if nothing does."""
    schema = rules()
    schema.validate(etree.fromstring(file))
    return [str(entry.message) for entry in schema.error_log]
