"""Values that were never meant well. Each holds MARK, so that wherever it turns up it is known."""

from __future__ import annotations

MARK = "zq9hostile"
WORDS = {
    # What could become a flag, a second command or another word of the command line.
    "argv": (
        "--{m}", "-{m}", "--model=/etc/{m}", "-m {m}", "--host 0.0.0.0 {m}", "{m} --host 0.0.0.0", "{m}\t--trust", "; touch {m}",
        "{m};id", "| {m}", "{m}|id", "&& {m}", "{m}&&id", "|| {m}", "$({m})", "`{m}`", "${{{m}}}", "${m}", "{m}\n--x", "\n{m}",
        "{m}\r\n-x", "'{m}", "'{m}'", '"{m}', '"{m}"', "\\{m}", "{m}\\", "{m}*", "{m}?", "[{m}]", "~{m}", "!{m}", "#{m}",
        "{{{m},x}}", "@{m}", "={m}", "{m}>x", "<{m}", ">{m}", "%{m}%", "\u2014{m}", "\u2010-{m}", "\uff0d{m}", "\u2212{m}",
        "{m}\u202e", "\ufeff-{m}", "\x1b[2J{m}", "\x7f{m}", "{m}=--x", "-{m}=1", "--", "---{m}", "+{m}", "/{m}", "^{m}",
    ),
    "path": (
        "../{m}", "../../{m}", "../" * 12 + "etc/{m}", "..\\{m}", "..//{m}", "....//{m}", "./{m}", ".{m}", "{m}/.", "{m}/..",
        "{m}/../../x", "/etc/{m}", "//{m}", "///{m}", "/proc/self/{m}", "/dev/{m}", "/{m}.gguf", "../{m}.gguf", "{m}.gguf/../x",
        "{m}\\..\\x", "C:\\{m}", "c:/{m}", "\\\\{m}\\share", "~/{m}", "~root/{m}", "file:{m}", "%2e%2e/{m}", "%2e%2e%2f{m}",
        "..%2f{m}", "..%5c{m}", "%252e%252e%252f{m}", "..%c0%af{m}", "..%00/{m}", "{m}%00.gguf", "{m}.gguf%00", "{m};.gguf",
        "{m}.gguf ", " {m}.gguf", "{m}.GGUF", "{m}.gguf.", "\u2025/{m}", "\uff0e\uff0e/{m}", "..\u2215{m}", "..\u2044{m}",
        "/proc/self/root/{m}", "/proc/1/environ/{m}", "\\??\\{m}", "{m}:stream", "CON/{m}", "{m}/" + "a/" * 60, "{m}" + "x" * 300,
        "/var/../etc/{m}", "a/../{m}", "/./{m}", "/../{m}",
    ),
    "url": (
        "http://{m}/", "https://{m}/", "http://127.0.0.1/{m}", "http://127.1/{m}", "http://0177.0.0.1/{m}", "http://0x7f000001/{m}",
        "http://2130706433/{m}", "http://[::1]/{m}", "http://[::ffff:127.0.0.1]/{m}", "http://0.0.0.0/{m}", "http://localhost/{m}",
        "http://169.254.169.254/{m}", "http://10.0.0.1/{m}", "http://u:p@{m}/", "http://{m}@127.0.0.1/", "http://127.0.0.1#@{m}",
        "http://{m}%00.hub/", "http://{m}\\@127.0.0.1", "http:{m}", "http:/{m}", "//{m}/x", "\\\\{m}", "/\\{m}", "ftp://{m}/",
        "file:///{m}", "file://localhost/{m}", "gopher://{m}/", "dict://{m}/", "ldap://{m}/", "smb://{m}/x", "ssh://{m}/",
        "jar:http://{m}!/", "php://{m}", "javascript:{m}", "JaVaScRiPt:{m}", "java\tscript:{m}", "\x01javascript:{m}",
        "javascript://%0a{m}", "vbscript:{m}", "data:text/html,{m}", "data:text/html;base64,{m}", "blob:{m}", "view-source:{m}",
        "about:{m}", "mailto:{m}", "hf://{m}", "s3://{m}/x", "git+ssh://{m}", "unix:/{m}", "redis://{m}/0", "http://{m}:99999/",
        "http://{m}:0/", "http://[{m}]/", "http://\u24db\u24de\u24d2\u24d0\u24db/{m}", "http://{m}..x/",
    ),
    "markup": (
        "<script>{m}</script>", "<ScRiPt>{m}</ScRiPt>", "<script src=//{m}></script>", '"><script>{m}</script>', "'><script>{m}</script>",
        "</script><script>{m}</script>", "</title><script>{m}</script>", "</textarea><script>{m}</script>", "<img src=x onerror={m}>",
        '"><img src=x onerror={m}>', "' onfocus={m} autofocus='", '" onfocus={m} autofocus="', '" autofocus onfocus="{m}', "<svg onload={m}>",
        "<svg><script>{m}</script>", "<svg/onload={m}>", "<body onload={m}>", "<iframe src=javascript:{m}>", "<iframe srcdoc='{m}'>",
        "<a href=javascript:{m}>x</a>", "<form action=javascript:{m}><button>", "<math><mtext><img onerror={m} src>", "<style>@import '{m}'</style>",
        "<base href=//{m}/>", "<meta http-equiv=refresh content=0;url={m}>", "<object data={m}>", "<embed src={m}>", "<link rel=stylesheet href={m}>",
        "<details open ontoggle={m}>", "<div hx-get=/{m} hx-trigger=load>", "<div data-hx-on:load={m}>", "<!--{m}-->", "<![CDATA[{m}]]>",
        "&lt;script&gt;{m}", "&#60;script&#62;{m}", "\u003cscript\u003e{m}", "{{{{{m}}}}}", "{{% {m} %}}", "${{7*7}}{m}", "#{{7*7}}{m}",
        "<%= {m} %>", "{{0.__class__}}{m}", "%s%n{m}", "' OR 1=1 --{m}", "'; DROP TABLE catalog_model; --{m}", '" OR ""="{m}', "1) UNION SELECT '{m}'",
    ),
}  # fmt: skip
PAYLOADS = {
    kind: tuple(word.replace("{m}", MARK).replace("{{", "{").replace("}}", "}") for word in words)
    for kind, words in WORDS.items()
}
ALL = [word for words in PAYLOADS.values() for word in words]
