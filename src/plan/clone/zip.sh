# Fetches an archive and unpacks it. Argument: its URL. A single folder that holds all of it is taken for the project itself.

url=$1

has() {
    command -v "$1" >/dev/null 2>&1
}

fetch() {
    case $url in
        file://*) cp -- "${url#file://}" "$1" ;;
        *)
            if has curl; then
                curl --fail --silent --show-error --globoff --location --max-redirs 10 --proto =https,http \
                    --output "$1" "$url"
            elif has wget; then
                wget -q -O "$1" "$url"
            elif has python3; then
                python3 -c 'import sys, urllib.request; urllib.request.urlretrieve(sys.argv[1], sys.argv[2])' "$url" "$1"
            else
                exit 69
            fi
            ;;
    esac
}

# Whether that exit code of unzip means that all of it is unpacked, and that there was something to warn of, such as the
# backslashes of Windows. Only Info-ZIP's means that; to busybox it is every failure.
warned() {
    [ "$1" -eq 1 ] && case $(unzip -v 2>&1) in *Info-ZIP*) ;; *) false ;; esac
}

unpack() {
    if has unzip; then
        # Nobody is there to be asked whether a file that is there twice replaces itself.
        unzip -q -o "$1" -d "$2" || warned "$?"
    elif has python3; then
        python3 -m zipfile -e "$1" "$2"
    else
        exit 69
    fi
}

case $url in https://* | http://* | file:///*) ;; *) fail "$url is no address of an archive" ;; esac
has unzip || has python3 || exit 69
begin
mkdir -- "$new" || exit 1
fetch "$new/archive.zip" || fail "$url can't be fetched"
mkdir -- "$new/content" || exit 1
unpack "$new/archive.zip" "$new/content" || fail "$url can't be unpacked"
trash=$new
new=$new/content
trap 'rm -rf -- "$trash"' EXIT
set -- "$new"/* "$new"/.[!.]*
only=
for entry; do
    [ -e "$entry" ] || [ -L "$entry" ] || continue
    [ -z "$only" ] || { only= && break; }
    only=$entry
done
if [ -n "$only" ] && [ -d "$only" ] && [ ! -L "$only" ]; then
    new=$only
fi
finish
