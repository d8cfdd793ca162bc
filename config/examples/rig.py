#!/usr/bin/env python3
"""A test rig: waits for the next unit that is scanned on its lane, tests it, and posts the result.

    python3 rig.py [--url http://127.0.0.1:8470] [--lane main] [--name bench-1]

Nothing but Python's standard library. Replace `test` by what your rig measures. The station answers every question in
full: what it refuses, it says why; the rig prints it and waits for the next unit.
"""

import argparse
import datetime
import json
import sys
import time
import urllib.error
import urllib.parse
import urllib.request


def test(unit):
    """Tests a unit; True where it is good, with what was measured and what the unit says of itself."""
    volts = 5.0 + (sum(unit["serialNumber"].encode()) % 7 - 3) / 100
    passed = not unit["serialNumber"].endswith("F")  # units whose serial ends in F fail, to show what that looks like
    return passed, {"volts": volts, "led": "green" if passed else "dark"}, {"fwVersion": "2.1.0"}


def ask(url, body=None, token=None, seconds=90):
    """The station's answer as JSON, None where it has none yet; an exception says why there is none."""
    data = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json"}
    if token:
        headers["Authorization"] = "Bearer " + token
    with urllib.request.urlopen(urllib.request.Request(url, data, headers), timeout=seconds) as answer:
        text = answer.read()
        return json.loads(text) if text else None


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--url", default="http://127.0.0.1:8470", help="the station's page")
    parser.add_argument("--lane", default="main")
    parser.add_argument("--name", default="rig.py", help="the name of this rig in records")
    parser.add_argument("--token", help="where the page asks for one")
    parser.add_argument("--units", type=int, default=0, help="end after so many units")
    args = parser.parse_args()
    waits = args.url + "/v1/scans/next?" + urllib.parse.urlencode({"lane": args.lane, "timeout": 30})
    tested = 0
    while not args.units or tested < args.units:
        try:
            unit = ask(waits, token=args.token)
            if unit is None:
                continue  # nothing was scanned
            passed, measurements, attributes = test(unit)
            result = {
                "lane": args.lane,
                "serialNumber": unit["serialNumber"],
                "scope": unit.get("scope", ""),
                "test": unit["test"],  # so that an answer that was not heard can be asked for again
                "result": "pass" if passed else "fail",
                "rig": args.name,
                "measurements": measurements,
                "attributes": attributes,
                "at": datetime.datetime.now(datetime.timezone.utc).isoformat(),
            }
            answer = ask(args.url + "/v1/results", result, args.token)
            print(answer["code"], answer["text"], flush=True)
            tested += 1
        except urllib.error.HTTPError as refused:
            print(refused.read().decode(errors="replace"), file=sys.stderr, flush=True)
            time.sleep(1)
        except OSError as error:
            print(f"no answer from {args.url}: {error}", file=sys.stderr, flush=True)
            time.sleep(2)


if __name__ == "__main__":
    main()
