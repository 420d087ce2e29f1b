#!/bin/sh
# Stands in for `go` where a test is about builders, not about Go: it answers the calls of a build, and takes as long as
# the file `seconds` beside it says. The binary that it "links" has real build information, and main.go.
PATH=/usr/bin:/bin
here=$(dirname "$0")
setting() { cat "$here/$1" 2>/dev/null || echo "$2"; }
# Another one if this was fetched under the name of another release.
release=${STUB_GO_VERSION:-go1.26.8}

# The lines of build information that Go derives from go.mod, go.sum, its arguments and its environment.
lines() {
    printf 'path\twombat/binary\nmod\twombat/binary\t(devel)\t\n'
    sed -n '/^require (/,/^)/ s/^\t\([^ ]*\) \([^ ]*\).*/\1 \2/p' go.mod | sort | while read -r path version; do
        printf 'dep\t%s\t%s' "$path" "$version"
        other=$(sed -n "s|^\t$path\( $version\)\{0,1\} => \([^ ]*\) \([^ ]*\)\$|\2 \3|p" go.mod)
        if [ -n "$other" ]; then
            path=${other% *} version=${other#* }
            printf '\n=>\t%s\t%s' "$path" "$version"
        fi
        printf '\t%s\n' "$(sed -n "s|^$path $version \(h1:.*\)|\1|p" go.sum)"
    done
    printf 'build\t%s\n' -buildmode=exe -compiler=gc
    while [ $# -gt 0 ]; do
        case "$1" in
        -trimpath) printf 'build\t-trimpath=true\n' ;;
        -tags) printf 'build\t-tags=%s\n' "$2" ;;
        esac
        shift
    done
    env | sed -n 's/^\(CGO_ENABLED\|GO386\|GOAMD64\|GOARCH\|GOARM\|GOARM64\|GOOS\|GOPPC64\|GORISCV64\)=/build\t&/p'
}

# A length as Go writes it, always in three bytes.
length() {
    printf "$(printf '\\%03o\\%03o\\%03o' $(($1 & 127 | 128)) $(($1 >> 7 & 127 | 128)) $(($1 >> 14)))"
}

# Build information, altered as the test says.
info() {
    text=$(if [ -e "$here/alters" ]; then lines "$@" | sed -f "$here/alters"; else lines "$@"; fi)
    linker=$(setting linker "$release")
    cat "$here/info-head"
    length ${#linker}
    printf %s "$linker"
    # With the line end that the shell removed, and the bytes around the lines.
    length $((${#text} + 33))
    cat "$here/info-begin"
    printf '%s\n' "$text"
    cat "$here/info-end"
}

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
        printf '{"Path":"%s","Version":"%s","GoMod":"%s/go.mod","Dir":"%s/module","Sum":"h1:x=","GoModSum":"h1:y="}\n' \
            "${module%@*}" "${module#*@}" "$here" "$here"
    done
    ;;
"mod edit")
    printf '{"Module":{"Path":"stub.example/m"},"Go":"1.26.0","Require":%s}\n' "$(setting requires '[]')"
    ;;
"list -m")
    if [ "$3" = -retracted ]; then
        printf '{"Path":"%s","Version":"%s","Retracted":%s}\n' "${5%@*}" "${5#*@}" "$(setting "retracted-${5#*@}" '[]')"
        exit
    fi
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
    info "$@" > "$TMPDIR/info"
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
    [ ! -e "$here/links" ] || while read -r word program place; do
        ! grep -qF -- "$word" main.go || {
            cp "$program" "$2"
            exec dd if="$TMPDIR/info" of="$2" bs=16 seek="$place" conv=notrunc status=none
        }
    done < "$here/links"
    [ ! -e "$here/bare" ] || : > "$TMPDIR/info"
    { cat "$here/head" "$TMPDIR/info" main.go; yes | head -c "$(setting size 0)"; } > "$2" || {
        echo "link: signal: file size limit exceeded" >&2
        exit 1
    }
    ;;
*)
    echo "stub go: $*" >&2
    exit 2
    ;;
esac
