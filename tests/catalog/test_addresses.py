"""Which addresses are of the open internet, however they are written."""

from __future__ import annotations

import pytest

from catalog.addresses import is_public, looked_up

PUBLIC = ["1.1.1.1", "8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]
INNER = [
    *("127.0.0.1", "127.9.9.9", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1"),
    *("192.0.2.1", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255"),
    *("::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "fec0::1", "ff02::1", "2001:db8::1"),
    *("::ffff:127.0.0.1", "::ffff:a9fe:a9fe", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe"),
    *("64:ff9b:1::1", "2002:7f00:1::", "2002:808:808::", "2001:0:7f00:1::"),
]


@pytest.mark.parametrize("address", PUBLIC)
def test_addresses_of_the_open_internet_are_known_as_such(address):
    assert is_public(address)


@pytest.mark.parametrize("address", INNER)
def test_addresses_of_this_machine_and_its_networks_are_not_public(address):
    assert not is_public(address)


@pytest.mark.parametrize("written", ["0177.0.0.1", "0x7f.1", "2130706433", "127.1", "017700000001", "localhost"])
def test_other_spellings_of_an_inner_address_are_known_by_what_they_lead_to(written):
    found = looked_up(written, 80, 5)
    assert found
    assert not any(is_public(address) for address in found)
