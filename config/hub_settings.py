"""What imports ask the hub for and how much of it they read, and the secret of catalog bundles."""

from __future__ import annotations

import os
import re

from config.environment import address, fail, flag, number, secret
from config.server_settings import LOOPBACK

# The hub that imports read, when somebody asks for one: an answer never does. Files may come from the hub's own stores.
HF_ENDPOINT = (os.environ.get("HF_ENDPOINT") or "https://huggingface.co").rstrip("/")
HF_CDN_HOSTS = [h for h in os.environ.get("HF_CDN_HOSTS", "cdn-lfs.huggingface.co,.hf.co").split(",") if h]
HF_TOKEN = secret("HF_TOKEN")
_hub = address("HF_ENDPOINT", HF_ENDPOINT)
if _hub.username or _hub.query or _hub.fragment or not _hub.hostname:
    fail("HF_ENDPOINT must be an address such as https://huggingface.co, without a name, query or fragment.")
if _hub.scheme != "https" and not (_hub.scheme == "http" and _hub.hostname in ("127.0.0.1", "::1", "localhost")):
    fail("HF_ENDPOINT must start with https://; http:// is for this very machine only.")
for _host in HF_CDN_HOSTS:
    if not re.fullmatch(r"\.?[a-z0-9-]+(\.[a-z0-9-]+)+(:[0-9]{1,5})?", _host):
        fail(f"HF_CDN_HOSTS must be names such as cdn.example or .example.org for all below it, not {_host!r}.")
# The secret that signs catalog bundles, the same wherever they are to be read.
BUNDLE_KEY = secret("BERTH_BUNDLE_KEY")
# Whether a launch may fetch what is not here, where it does not say so itself; and bytes a second, 0 for no limit.
DOWNLOADS = flag("BERTH_DOWNLOADS", LOOPBACK)
DOWNLOAD_BYTES_PER_SECOND = number("DOWNLOAD_MB_PER_SECOND", 0, 0, 100_000) * 1_000_000
HUB_SECONDS = number("HUB_SECONDS", 120, 1, 3600)
HUB_REQUEST_SECONDS = number("HUB_REQUEST_SECONDS", 20, 1, 600)
HUB_BYTES = number("HUB_MIB", 256, 1, 4096) << 20
HUB_REQUEST_BYTES = min(32 << 20, HUB_BYTES)
