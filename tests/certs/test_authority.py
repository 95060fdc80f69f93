"""Certificates as they are issued, judged by the verifier of the cryptography library."""

from __future__ import annotations

from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from certs.authority import is_current, issue_authority, issue_leaf, issued_at, issued_by, names_of, parse_names
from tests.certs.clients import DAY, NAMES, START, trusts

CA = issue_authority(START, 365 * DAY)
LEAF = issue_leaf(CA.certificate, CA.key, NAMES, START, 90 * DAY)


def test_a_client_that_trusts_the_ca_verifies_the_leaf_by_name_and_by_address() -> None:
    assert trusts((CA.certificate,), LEAF.certificate, START)


def test_a_client_that_trusts_another_ca_does_not() -> None:
    assert not trusts((issue_authority(START, DAY).certificate,), LEAF.certificate, START)


def test_a_leaf_without_the_called_name_is_not_verified() -> None:
    other = issue_leaf(CA.certificate, CA.key, parse_names(["example"], []), START, DAY)
    assert not trusts((CA.certificate,), other.certificate, START)


def test_a_client_whose_clock_is_four_minutes_slow_verifies_a_fresh_leaf_and_one_six_minutes_slow_does_not() -> None:
    assert trusts((CA.certificate,), LEAF.certificate, START - timedelta(minutes=4))
    assert not trusts((CA.certificate,), LEAF.certificate, START - timedelta(minutes=6))
    assert issued_at(LEAF.certificate) == START


def test_a_leaf_expires_after_its_lifetime() -> None:
    assert is_current(LEAF.certificate, START + 90 * DAY - timedelta(seconds=1))
    assert not is_current(LEAF.certificate, START + 90 * DAY)


def test_a_leaf_never_outlives_its_ca() -> None:
    leaf = issue_leaf(CA.certificate, CA.key, NAMES, START + 300 * DAY, 90 * DAY)
    assert leaf.certificate.not_valid_after_utc == CA.certificate.not_valid_after_utc


def test_keys_are_ecdsa_p256() -> None:
    assert all(isinstance(pair.key.curve, ec.SECP256R1) for pair in (CA, LEAF))


def test_the_ca_signs_leaves_only_and_the_leaf_serves_only() -> None:
    ca, leaf = CA.certificate.extensions, LEAF.certificate.extensions
    constraints = ca.get_extension_for_class(x509.BasicConstraints)
    assert constraints.critical
    assert constraints.value == x509.BasicConstraints(ca=True, path_length=0)
    assert not leaf.get_extension_for_class(x509.BasicConstraints).value.ca
    assert list(leaf.get_extension_for_class(x509.ExtendedKeyUsage).value) == [ExtendedKeyUsageOID.SERVER_AUTH]
    assert not leaf.get_extension_for_class(x509.KeyUsage).value.key_cert_sign


def test_the_leaf_names_the_key_of_its_ca() -> None:
    subject = CA.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    authority = LEAF.certificate.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value
    assert authority.key_identifier == subject.digest
    assert issued_by(LEAF.certificate, CA.certificate)
    assert not issued_by(LEAF.certificate, issue_authority(START, DAY).certificate)


def test_names_come_back_from_the_leaf() -> None:
    assert names_of(LEAF.certificate) == NAMES
    assert not names_of(CA.certificate).dns


def test_two_cas_never_share_a_subject_or_a_key() -> None:
    later = issue_authority(START + DAY, DAY).certificate
    assert later.subject != CA.certificate.subject
    assert later.public_key() != CA.certificate.public_key()


@pytest.mark.parametrize("name", ["", "a..b", "-a", "a-", "a b", "bücher.example", "a" * 64, "a." * 127 + "a", "*"])
def test_what_is_no_dns_name_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="is not a DNS name"):
        parse_names([name], [])


@pytest.mark.parametrize("name", ["localhost", "vmconfig.vmconfig-system.svc", "*.example.org", "A.Example."])
def test_a_dns_name_is_taken_in_lower_case_without_its_last_dot(name: str) -> None:
    names = parse_names([name], [])
    assert names.dns == {name.lower().rstrip(".")}
    assert names_of(issue_leaf(CA.certificate, CA.key, names, START, DAY).certificate) == names


@pytest.mark.parametrize("ip", ["", "localhost", "300.1.1.1", "127.0.0.1/8"])
def test_what_is_no_address_is_refused(ip: str) -> None:
    with pytest.raises(ValueError, match="is not an IP address"):
        parse_names([], [ip])


def test_no_name_at_all_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        parse_names([], [])
