#!/bin/sh
# A test rig that the station starts for each unit: JSON of the unit on standard input, JSON of the result on standard output.
# What it prints on standard error is shown to the operator where it ends with another code than 0.
#
#     [[lane]]
#     name = "test"
#     roles = ["test"]
#     rig = { program = ["/etc/lotline/examples/rig.sh"], timeout_ms = 60000 }
#
# Replace the part in the middle by what your rig measures.
set -eu
read -r unit

# The serial number as it stands in the JSON, so that it can go back the same: a serial without quotation marks and
# backslashes. For others take a program that reads JSON.
serial=$(printf '%s\n' "$unit" | sed -n 's/.*"serialNumber":"\([^"\\]*\)".*/\1/p')
if [ -z "$serial" ]; then
    echo "this rig cannot read the unit" >&2
    exit 1
fi

# Which test this is: the result says it again.
test=$(printf '%s\n' "$unit" | sed -n 's/.*"test":\([0-9]*\).*/\1/p')

# Units whose serial ends in F fail, to show what that looks like.
case "$serial" in
    *F) result=fail led=dark ;;
    *) result=pass led=green ;;
esac

printf '{"serialNumber":"%s","test":%s,"result":"%s","rig":"rig.sh","measurements":{"led":"%s"},"attributes":{"fwVersion":"2.1.0"}}\n' \
    "$serial" "$test" "$result" "$led"
