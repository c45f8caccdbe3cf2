#!/bin/sh
# Writes first inputs for the targets into the folder that is named, or into the one of cargo fuzz.
set -eu
corpus=${1:-$(dirname "$0")/corpus}

# Writes each line of the standard input as one seed.
seeds() {
    mkdir -p "$corpus/$1"
    number=0
    while IFS= read -r line; do
        number=$((number + 1))
        printf '%s' "$line" >"$corpus/$1/seed-$number"
    done
}

seeds bodies <<'LINES'
{"sessionId":"a","availability":"Available","activity":"Available","expirationDuration":"PT1H"}
{"sessionId":7,"availability":"Busy","activity":"InACall","expirationDuration":null}
{"sessionId":"a\n\u00e9","availability":"DoNotDisturb","activity":"Presenting"}
{"sessionId":null,"availability":"Away","activity":"Away","sessionId":"b"}
{"sessionId":"a","availability":"Busy","activity":"Busy","expirationDuration":"PT1M"}
{"sessionId":1.5,"availability":true,"activity":[],"expirationDuration":{}}
{"availability":"DoNotDisturb","activity":"DoNotDisturb","expirationDuration":"PT8H"}
{"availability":"Offline","activity":"OffWork","unknown":[{"a":-1e300},"\ud83d\ude00"]}
{"ids":["a","b","c"]}
{"ids":["a",null,1]}
{"setPresence":{"sessionId":"a","availability":"Busy","activity":"InAConferenceCall"}}
{"clearPresence":{"sessionId":"a"}}
{"setUserPreferredPresence":{"availability":"BeRightBack","activity":"BeRightBack"}}
{"clearUserPreferredPresence":{}}
{"tick":{},"tick":{}}
"tick"
{}
null
{"SessionId":"a","AVAILABILITY":"busy","Activity":"inACall","expirationduration":"PT1H"}
{"sessionId":"a","SessionID":"b","availability":"Away","activity":"Away"}
{"\u0053essionId":["a",[true]],"availability":"Away","activity":"Away"}
{"sessionId":340282366920938463463374607431768211455,"availability":"away","activity":"away"}
{"SETPRESENCE":{"sessionid":"a","availability":"Busy","activity":"InACall"},"at":1}
{"id":"a","availability":"busy","activity":"InAHologram"}
{"IDS":["a"]}
LINES
# The compact form of a command.
printf '\000\001a\004Busy\007InACall\200\300\342\205\343h' >"$corpus/bodies/seed-compact"

seeds durations <<'LINES'
P1DT2H3M4.000000005S
-PT5M0.5S
PT0S
P7D
PT14400S
PT300.0000000009S
P106751991167300DT15H30M7.999999999S
PT9223372036854775808S
LINES

seeds timestamps <<'LINES'
2026-11-20T09:00:00Z
2026-11-20T09:00:00.250Z
2024-02-29T23:59:59.999999999Z
1900-02-29T00:00:00Z
1677-09-21T00:12:43.145224192Z
2262-04-11T23:47:16.854775807Z
0000-01-01T00:00:00Z
9999-12-31T23:59:60Z
2026-11-20T10:00:00+01:00
2026-11-20t08:30:00.12345678901-00:30
0000-01-01T00:00:00+23:59
LINES
printf '2026-11-20T09:00:00.1Z\n2026-11-20T09:00:00.2Z' >"$corpus/timestamps/seed-order"

seeds snapshots <<'LINES'
{"v1":{"reported":"InACall","sessions":[{"id":"a","claim":"InACall","since":"2026-11-20T09:00:00Z","lifetime":"PT5M"}],"preferred":null}}
{"v1":{"reported":"Busy","sessions":[{"id":1,"claim":"Available","since":"2026-11-20T09:00:00Z","lifetime":"PT1H"},{"id":2,"claim":"Away","since":"2026-11-20T09:05:00Z","lifetime":"PT5M"},{"id":3,"claim":"Presenting","since":"1970-01-01T01:00:00+01:00","lifetime":"PT4H"}],"preferred":{"presence":"Busy","since":"2026-11-20T09:00:00Z","lifetime":"P1D"}}}
{"v1":{"reported":"Offline","sessions":[],"preferred":{"presence":"OffWork","since":"1677-09-21T00:12:43.145224192Z","lifetime":"P213503DT23H34M33.709551615S"}}}
LINES
# The same form in postcard, with a number and with texts as session ids.
printf '\000\007InACall\001\007\007InACall\200\200\245\262\237\317\332\3511\200\360\222\313\335\010\000' \
    >"$corpus/snapshots/seed-number"
printf '\000\004Busy\002\001a\011Available\200\200\245\262\237\317\332\3511\200\300\342\205\343h\001b\004Away\000\200\360\222\313\335\010\001\004Busy\200\200\245\262\237\317\332\3511\200\200\274\212\311\322\023' \
    >"$corpus/snapshots/seed-text"
