"""The rules of GPX 1.1 for what a plan writes, as a schema of our own.

Written from the published description of the format (topografix.com/GPX/1/1): which elements there are, in which
order, what they hold. It knows only what plans use, so it is stricter than the published schema, never laxer.
"""

from functools import cache

from lxml import etree

__all__ = ["gpx_faults"]

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
