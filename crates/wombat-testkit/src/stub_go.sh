#!/bin/sh
# Stands in for `go` where a test is about builders, not about Go: it answers the calls of a build, and takes as long as
# the file `seconds` beside it says. The binary that it "links" is the head of a real program, and main.go.
PATH=/usr/bin:/bin
here=$(dirname "$0")
setting() { cat "$here/$1" 2>/dev/null || echo "$2"; }
# Another one if this was fetched under the name of another release.
release=${STUB_GO_VERSION:-go1.26.8}

case "$1 $2" in
"env "*)
    printf '{"GOPROXY":"http://127.0.0.1:9","GOSUMDB":"%s","GOVERSION":"%s","GOHOSTOS":"linux","GOHOSTARCH":"amd64"}\n' \
        "$(setting sumdb off)" "$release"
    ;;
"version "*)
    case "${GOTOOLCHAIN:-local}" in
    local | "$release") ;;
    *)
        # "Fetches" that release: a program that runs this one under its name.
        ! grep -qxF "$GOTOOLCHAIN" "$here/refused" 2>/dev/null || {
            echo "go: download $GOTOOLCHAIN for linux/amd64: reading: 403 Forbidden" >&2
            exit 1
        }
        version=v0.0.1-$GOTOOLCHAIN.linux-amd64
        folder=$GOMODCACHE/golang.org/toolchain@$version/bin
        download=$GOMODCACHE/cache/download/golang.org/toolchain/@v
        mkdir -p "$folder" "$download"
        printf '#!/bin/sh\nSTUB_GO_VERSION=%s exec "%s/go" "$@"\n' "$GOTOOLCHAIN" "$here" > "$folder/go"
        chmod 755 "$folder/go"
        echo h1:x= > "$download/$version.ziphash"
        ;;
    esac
    echo "go version $release linux/amd64"
    ;;
"mod download")
    shift 3
    for module in "$@"; do
        # As Go stores it, with the time of the release.
        folder="$GOMODCACHE/cache/download/${module%@*}/@v"
        mkdir -p "$folder"
        printf '{"Version":"%s","Time":"2026-01-02T03:04:05Z"}' "${module#*@}" > "$folder/info.$$"
        mv "$folder/info.$$" "$folder/${module#*@}.info"
        printf '{"Path":"%s","Version":"%s","GoMod":"%s/go.mod","Dir":"%s/none","Sum":"h1:x=","GoModSum":"h1:y="}\n' \
            "${module%@*}" "${module#*@}" "$here" "$here"
    done
    ;;
"mod edit")
    printf '{"Module":{"Path":"stub.example/m"},"Go":"1.26.0","Require":%s}\n' "$(setting requires '[]')"
    ;;
"list -m")
    # Looks checksums up in the file `sums`, and stores records of the database as `go` does.
    shift 4
    records=$GOMODCACHE/cache/download/sumdb/$GOSUMDB/lookup/golang.org
    mkdir -p "$records"
    for module in "$@"; do
        version=${module#*@}
        sum=$(grep "^$version " "$here/sums" | cut -d ' ' -f 2)
        if [ -n "$sum" ]; then
            printf '1\n%s %s %s\n' "${module%@*}" "$version" "$sum" > "$records/toolchain@$version"
            printf '{"Path":"%s","Version":"%s"}\n' "${module%@*}" "$version"
        else
            printf '{"Path":"%s","Version":"%s","Error":{"Err":"not found"}}\n' "${module%@*}" "$version"
        fi
    done
    ;;
"list "*)
    for last; do :; done
    # The packages of a module, rather than those that a binary needs.
    case "$last" in */...) exec cat "$here/offers" ;; esac
    imports=$(sed -n 's/^[[:space:]]*_* *"\([^"]*\.[^"]*\)"$/\1/p' main.go)
    echo '{"ImportPath":"stub.example/below","Dir":"/none"}'
    echo '{"ImportPath":"time/tzdata","Dir":"/none","Standard":true}'
    quoted='"stub.example/below"'
    for path in $imports; do
        if grep -qxF "$path" "$here/unfetched" 2>/dev/null; then
            refusal='parts.example/refused@v1.0.0: reading https://proxy.example/parts.example/refused/@v/v1.0.0.zip: 403 Forbidden'
            printf '{"ImportPath":"%s","Dir":"/none","Error":{"Err":"%s"}}\n' "$path" "$refusal"
            quoted="$quoted,\"$path\""
            continue
        fi
        printf '{"ImportPath":"%s","Dir":"/none","Imports":["stub.example/below"]}\n' "$path"
        quoted="$quoted,\"$path\""
    done
    printf '{"ImportPath":"wombat/binary","Dir":"/none","Imports":[%s]}\n' "$quoted"
    ;;
"build "*)
    while [ $# -gt 0 ] && [ "$1" != -o ]; do shift; done
    sed -n 's/.*+wombat\.\([0-9a-f]*\).*/\1/p' main.go >> "$here/builds"
    # What a compromised compiler might do.
    [ ! -e "$here/flood" ] || exec yes "$(printf "flood%0.s " 1 2 3 4 5 6 7 8 9 10 11 12)" >&2
    [ ! -e "$here/forks" ] || { bomb() { bomb | bomb & }; bomb; while :; do :; done; }
    [ ! -e "$here/memory" ] || { yes | tr -d '\n' | tail -n 1; }
    # A child, and one that detaches itself: both must end with the build.
    [ "$(setting seconds 0)" = 0 ] || {
        setsid "$here/sleeper" "$(setting seconds 0)" >/dev/null 2>&1 &
        "$here/sleeper" "$(setting seconds 0)"
    }
    [ ! -e "$here/fails" ] || {
        cat "$here/says"
        cat "$here/fails" >&2
        exit 1
    }
    # The first program whose word is in main.go.
    [ ! -e "$here/links" ] || while read -r word program; do
        ! grep -qF -- "$word" main.go || exec cp "$program" "$2"
    done < "$here/links"
    { head -c 4096 /bin/sh; cat main.go; yes | head -c "$(setting size 0)"; } > "$2" || {
        echo "link: signal: file size limit exceeded" >&2
        exit 1
    }
    ;;
*)
    echo "stub go: $*" >&2
    exit 2
    ;;
esac
