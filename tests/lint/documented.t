#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""What the driver and the tools say is in the documents: messages, reasons, events,
states, tracepoints, attributes in sysfs, keys of JSON and of configurations."""

import os
import re
import sys
from pathlib import Path

os.chdir(Path(__file__).resolve().parents[2])

STRING = r'"((?:[^"\\]|\\.)*)"'
failed = 0
count = 0


def source(*patterns):
    """The C sources without comments and without tests, joined."""
    files = sorted(p for pattern in patterns for p in Path(".").glob(pattern) if "_kunit" not in p.name)
    text = "\n".join(p.read_text() for p in files)
    return re.sub(r"/\*.*?\*/", "", text, flags=re.S)


def page(path):
    """A document on one line, but for its tables' rows; a man page's \\- is a minus."""
    text = Path(path).read_text().replace("\\-", "-")
    return re.sub(r"\s+", " ", re.sub(r"\n(?=\S+  )", "\0", text))


def calls(text, function):
    """The arguments of each call, up to the end of the statement."""
    return re.findall(r"\b" + function + r'\(((?:"(?:[^"\\]|\\.)*"|[^;{"])*);', text)


def strings(text):
    return re.findall(STRING, text)


def pattern(message):
    """How a format of printf() may look in a document."""
    parts = re.split(r"%(?:ll|l|z)?[a-z]", message.replace("\\n", ""))
    return r"[\w.]+".join(re.escape(p) for p in parts)


def ok(what, wanted, path, where=pattern):
    """Every one of WANTED is in the document."""
    global failed, count
    count += 1
    text = page(path)
    wanted = sorted(set(wanted))
    missing = [w for w in wanted if not re.search(where(w), text)]
    if not wanted:
        missing = ["nothing was found in the sources, look at this test"]
    failed += bool(missing)
    print(f"{'not ' if missing else ''}ok {count} - {what}: all {len(wanted)} are in {path}")
    for text in missing:
        print(f"# missing: {text}")


def literal(word):
    return f"``{re.escape(word)}``"


def row(name):
    """At the beginning of a row of a table."""
    return rf"\0{re.escape(name)} "


def word(name):
    return rf"(?<![\w-]){re.escape(name)}(?![\w-])"


driver = source("drivers/enbd/*.c")
spec = Path("Documentation/netlink/specs/enbd.yaml").read_text()


def messages():
    """The second %s of a message about fences is one of three."""
    fates = strings(re.search(r"\*unfenced_writes\(.*?^}", driver, re.S | re.M)[0])
    for args in calls(driver, r"pr_(?:info|warn|err)\w*"):
        text = strings(args)[0]
        if "could not be fenced" in text:
            yield from (text.replace("writes %s", f"writes {fate}") for fate in fates)
        else:
            yield text


def protocol_errors():
    wire = source("drivers/enbd/wire.c")
    yield from (s for args in calls(wire, "rx_bad") for s in strings(args))
    yield from re.findall(r"return " + STRING, wire)
    yield from re.findall(r"return " + STRING, source("drivers/enbd/control.c"))


def losses():
    for args in calls(driver, "enbd_channel_(?:lose|retire)"):
        yield from strings(args)
    for args in calls(driver, "channel_lose_err"):
        yield from (f"{s}: error %d" for s in strings(args) if "%s" not in s)
    for args in calls(driver, "snprintf"):
        if not args.startswith("reason,"):
            continue
        text, *words = strings(args)
        if words:
            yield from (text.replace("%s", w, 1) for w in words)
        elif "%s" not in text:
            yield text


def device_reasons():
    for args in calls(driver, r"(?:enbd_session_update|end_waiting|ops->state)"):
        yield from strings(args)
    yield from re.findall(r"static const char reason\[\] = " + STRING, driver)


def entries(enum):
    """Names of an enum in the specification."""
    body = re.search(rf"name: {enum}\n.*?(?=\n  -\n    |\nattribute-sets:)", spec, re.S)[0]
    return re.findall(r"\n        name: ([\w-]+)", body)


def attributes():
    text = source("drivers/enbd/sysfs.c")
    return re.findall(r"^ENBD_(?:DEVICE|CHANNEL)_ATTR\((\w+)", text, re.M)


def json_keys():
    tools = source(*(f"tools/enbdctl/{verb}.c" for verb in (
        "show", "status", "channel", "events", "stale", "probe", "list_exports")))
    return re.findall(r'(?:enbd_json_(?:text|u64)|cJSON_Add\w+)\(\w+, "(\w+)"', tools)


def options():
    """The long options of every verb, with their hyphens."""
    found = re.findall(r'\{ "([\w-]+)", (?:KEY_\w+|\'.\'), ', source("tools/enbdctl/*.c"))
    return [f"--{name}" for name in found]


def tracepoints():
    text = Path("drivers/enbd/trace.h").read_text()
    return re.findall(r"^(?:TRACE_EVENT|DEFINE_EVENT)\((?:\w+, )?(enbd_\w+),", text, re.M)


def device_keys():
    return re.findall(r'\{ "([\w-]+)", set_\w+', source("tools/enbdctl/conf.c"))


def server_keys():
    return re.findall(r'strcmp\(key, "([\w-]+)"\)', source("tools/enbd-server/config_file.c"))


admin, protocol = "Documentation/admin.rst", "Documentation/protocol.rst"
ok("messages of the driver", messages(), admin, lambda m: pattern(m.replace("%s: ", "nda: ", 1)))
ok("why a connection is refused", re.findall(r"return " + STRING, source("drivers/enbd/identity.c")), admin)
ok("why a device changes its state", device_reasons(), admin)
ok("how a server breaks the protocol", protocol_errors(), protocol)
ok("why a channel is lost", losses(), protocol)
ok("events", entries("event"), admin, literal)
ok("states", entries("device-state") + entries("channel-state"), admin, row)
ok("tracepoints", tracepoints(), admin, literal)
ok("attributes in sysfs", attributes(), admin, literal)
ok("keys of JSON", json_keys(), "Documentation/man/enbdctl.8", word)
ok("options of enbdctl", options(), "Documentation/man/enbdctl.8", word)
ok("keys of enbd.conf", device_keys(), "Documentation/man/enbd.conf.5", word)
ok("keys of server.conf", server_keys(), "Documentation/man/enbd-server.conf.5", word)
print(f"1..{count}")
sys.exit(failed > 0)
