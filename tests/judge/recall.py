#!/usr/bin/env python3
"""Which units are in which group? Reads what people scanned, and what they saw, one JSON object a line:

    {"station", "lane", "scan", "code", "package", "pallet"}

`package` and `pallet` are what the station showed as open at that scan. A line `{"mark": N}` stands between two scans: a
time that nothing happened at. Prints the groups as JSON: name, then value, then
`ever`, `now` and `never` (said by mistake), each a sorted list of serials; the counts of states; and between two marks who was
handled. It knows nothing of
Lotline's code: it keeps boxes as a person would with pencil and paper.
"""

import json
import sys
from collections import defaultdict

PACKAGE_SIZE = int(sys.argv[2])


class Group:
    def __init__(self):
        self.ever, self.now, self.never = set(), set(), set()

    def join(self, unit):
        self.ever.add(unit)
        self.now.add(unit)

    def leave(self, unit):
        self.now.discard(unit)

    def was_a_mistake(self, unit):
        self.ever.discard(unit)
        self.now.discard(unit)
        self.never.add(unit)


groups = defaultdict(lambda: defaultdict(Group))
inside = defaultdict(set)  # package: units
stands_on = {}  # package: pallet
package_of = {}  # unit: package
lot_of, order_of = {}, {}
state = {}
units = set()
orders = {}  # station: (order, lot)
shown = {}  # station: the package and pallet last shown
last = {}  # station: the unit packed last
pending = {}  # (station, lane): command and what was scanned after it
away = set()  # pallets that have left
handled = defaultdict(lambda: defaultdict(set))  # since which mark: unit: stations
mark = None


def put_in(unit, package):
    inside[package].add(unit)
    package_of[unit] = package
    groups["packageId"][package].join(unit)
    if package in stands_on:
        groups["palletId"][stands_on[package]].join(unit)


def take_out(unit):
    package = package_of.pop(unit)
    inside[package].discard(unit)
    groups["packageId"][package].leave(unit)
    if package in stands_on:
        groups["palletId"][stands_on[package]].leave(unit)


def close(package, pallet):
    stands_on[package] = pallet
    for unit in inside[package]:
        groups["palletId"][pallet].join(unit)


def says(kind, unit, value, before):
    if before.get(unit) == value:
        return
    if unit in before:
        groups[kind][before[unit]].leave(unit)
    before[unit] = value
    groups[kind][value].join(unit)


for line in open(sys.argv[1], encoding="utf-8"):
    said = json.loads(line)
    if "mark" in said:
        mark = said["mark"]
        continue
    station, lane, scan, code = said["station"], said["lane"], said["scan"], said["code"]
    before = shown.get(station, (None, None))
    package, pallet = said.get("package") or before[0], said.get("pallet") or before[1]
    shown[station] = (package, pallet)
    key = (station, lane)

    if scan.startswith("LOTLINE-"):
        pending[key] = [scan]
        if code == "package-closed":
            close(before[0], pallet)
        if code == "voided":
            unit = last[station]
            groups["packageId"][package_of[unit]].was_a_mistake(unit)
            inside[package_of.pop(unit)].discard(unit)
            groups["workOrder"][order_of.pop(unit)].was_a_mistake(unit)
            if unit in lot_of:
                groups["lotCode"][lot_of.pop(unit)].was_a_mistake(unit)
            units.discard(unit)
            state.pop(unit)
            for some in handled.values():
                some.pop(unit, None)
        continue

    if code in ("packed", "taken-out", "scrap-recorded"):
        handled[mark][scan].add(station)
    if code == "waiting":
        pending.setdefault(key, [None]).append(scan)
    elif code == "work-order-started":
        orders[station] = scan.removeprefix("WO:").split("/")
    elif code == "packed":
        units.add(scan)
        state[scan] = "packed"
        last[station] = scan
        order = orders[station]
        says("workOrder", scan, order[0], order_of)
        if len(order) > 1:
            says("lotCode", scan, order[1], lot_of)
        # The scan that fills a package may show none any more.
        fills = len(inside[before[0]]) == PACKAGE_SIZE - 1 and before[0] not in stands_on
        box = before[0] if fills else package
        put_in(scan, box)
        if len(inside[box]) == PACKAGE_SIZE:
            close(box, pallet)
    elif code == "taken-out":
        take_out(scan)
        state[scan] = "unpacked"
    elif code == "scrap-recorded":
        if scan in package_of:
            take_out(scan)
        state[scan] = "scrapped"
    elif code == "moved":
        source, target = pending[key][1].removeprefix("00"), scan.removeprefix("00")
        for unit in inside[source]:
            groups["palletId"][stands_on[source]].leave(unit)
        close(source, target)
    elif code == "assembled":
        # BRD/serial/lot, after the unit that it goes into.
        _, board, lot = scan.split("/")
        unit = pending[key][-1]
        units.add(unit)
        groups["componentLot"][lot].join(unit)
    elif code == "despatch-recorded":
        away.add(scan.removeprefix("00"))

for unit, package in package_of.items():
    if stands_on.get(package) in away:
        state[unit] = "despatched"

counts = defaultdict(int)
for unit in units:
    counts[state.get(unit, "unknown")] += 1
print(
    json.dumps(
        {
            "units": len(units),
            "counts": counts,
            "states": state,
            "handled": {str(since): sorted(some) for since, some in handled.items()},
            "groups": {
                kind: {
                    value: {name: sorted(getattr(group, name)) for name in ("ever", "now", "never")}
                    for value, group in values.items()
                }
                for kind, values in groups.items()
            },
        }
    )
)
