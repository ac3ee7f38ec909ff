"""Words of a machine's description that are no accelerator and no memory: processors, disks, screens and the like."""

from __future__ import annotations

import re

CPU_NAME = re.compile(
    r"\b(?:ryzen(?!\s+ai\s+max)|threadripper|epyc|opteron|athlon|phenom|xeon|celeron|pentium|atom|graviton\d?|altra|neoverse"
    r"|cortex|snapdragon|raspberry\s+pi|core\s*(?:i\d|ultra|2|[3579]\b)|i[3579][\s-]?\d{3,5}[a-z]*|n\d{2,3}\b|fx-?\d{4}|cpus?|processors?"
    r"|sockets?|power\d+\b)"
)
THREADS = re.compile(r"\b(\d{1,4})\s*c\s*/\s*\d{1,4}\s*t\b")
DISK = r"ssds?|nvme|hdds?|sata|sas|m\.2|raid[\s-]?\w*|disks?|drives?|storage|rpm|optane|emmc|usb"
SCREEN = (
    r"monitors?|displays?|screens?|oled|ips|qhd|uhd|wqhd|fhd|4k|8k|5k|\d{3,4}p|\d{2,3}\s*hz|hz|ultrawide|inch(?:es)?"
    r"|keyboard|mouse|webcam"
)
POWER = r"psu|power\s+supply|\d{3,4}\s*w(?:atts?)?|watts?|ups"
SYSTEM = (
    r"windows|win1[01]|ubuntu|debian|fedora|arch|linux|mint|macos|osx|wsl2?|centos|rhel|rocky|proxmox|unraid|truenas|nixos|opensuse"
    r"|manjaro|esxi|kernel|driver|cuda\s+\d+[\d.]*|docker"
)
BOARD = (
    r"motherboard|mainboard|mobo|chipset|am[45]|lga\s?\d+|sp\d|[ab][3-8][2-57]0[a-z]?|x[3-8]70[a-z]?|z[3-8][79]0|h[1-8][17]0|trx\d0|wrx\d0"
    r"|bios|pcie?\b.*|cooler|cooling|aio|fans?|case|tower|chassis|noctua.*"
)
NETWORK = r"wi-?fi\s*\w*|bluetooth|ethernet|\d+(?:\.\d)?\s*g(?:bit/?s?|be|bps)|nic|lan"
MACHINE = (
    r"laptop|notebook|desktop|workstation|server|pc|mini\s?pc|nas|homelab|thinkpad.*|thinkstation.*|optiplex.*|precision.*|poweredge.*"
    r"|proliant.*|supermicro.*|macbook|host|machine|box|build|rig"
)
OTHER = re.compile(
    rf"(?<![a-z0-9.])(?:{'|'.join((DISK, SCREEN, POWER, SYSTEM, BOARD, NETWORK, MACHINE))})(?![a-z])"
    r"|\d{3,4}\s*[x×]\s*\d{3,4}|\d{2}(?:\.\d)?\s*[\"”]"
)


def other(part: str) -> bool:
    """Whether a part that names no known card speaks of something that the plans do not need."""
    return bool(OTHER.search(part))
