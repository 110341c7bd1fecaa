# shellcheck shell=bash
# What the three servers share: installing, starting, waiting, stopping. Sourced by tests/run, which sets $root
# (the repository), $work (a new folder of this run) and $cache (a folder that lasts). Written for
# bash 3.2 as well, which is what macOS has.

say() { printf 'tests/run: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

have() { command -v "$1" >/dev/null 2>&1; }
is_root() { [ "$(id -u)" = 0 ]; }
is_debian() { [ "$(. /etc/os-release 2>/dev/null && echo "${ID-}")" = debian ] && have apt-get; }
upper() { printf '%s' "$1" | tr '[:lower:]' '[:upper:]'; }

# folder_with PROGRAM FOLDER...: the last of the folders that holds the program; of several versions mostly the newest.
folder_with() {
    local program=$1 folder found=""
    shift
    for folder in "$@"; do
        [ ! -x "$folder/$program" ] || found=$folder
    done
    [ -n "$found" ] && printf '%s\n' "$found"
}

# The folder of a program on PATH, if it is there.
folder_on_path() { have "$1" && dirname "$(command -v "$1")"; }

# --- installing -------------------------------------------------------------------------------------------------------

# Files of the system that cleanup() in tests/run takes away again.
system_files=""

# Installs Debian packages; fails where that cannot be done. `--no-remove`: what the machine's owner installed stays.
apt_install() {
    local policy=/usr/sbin/policy-rc.d cluster=/etc/postgresql-common/createcluster.d
    is_debian && is_root || return 1
    say "installing $*"
    # Only the programs are wanted: no service is to start, no PostgreSQL cluster to be made.
    if [ ! -e "$policy" ]; then
        system_files="$system_files $policy"
        printf '#!/bin/sh\nexit 101\n' >"$policy"
        chmod +x "$policy"
    fi
    if [ ! -e "$cluster/relata-tests.conf" ]; then
        system_files="$system_files $cluster/relata-tests.conf"
        mkdir -p "$cluster"
        echo 'create_main_cluster = false' >"$cluster/relata-tests.conf"
    fi
    # The package lists are fetched only if they are absent or too old to be of use.
    apt_get install "$@" >"$work/apt.log" 2>&1 ||
        { apt_get_update && apt_get install "$@"; } >>"$work/apt.log" 2>&1 ||
        { tail -n 20 "$work/apt.log" >&2; return 1; }
}

apt_get() {
    DEBIAN_FRONTEND=noninteractive \
        apt-get -q -y -o DPkg::Lock::Timeout=300 --no-install-recommends --no-remove "$@" </dev/null
}

# `apt-get update` does not wait for its lock: another run may be holding it.
apt_get_update() {
    local try
    for try in 1 2 3 4 5 6; do
        apt-get -q update && return
        sleep $((try * 2))
    done
    return 1
}

# --- the account that servers run as ----------------------------------------------------------------------------------

# PostgreSQL refuses root, and MariaDB has no need of it: under root they run as `nobody`, else as whoever calls.
server_account() {
    if is_root; then
        printf '%s ' --reuid nobody --regid "$(id -g nobody)" --clear-groups
    fi
}

# Runs a program as that account, in the folder of this run.
as_server() {
    if is_root; then
        # shellcheck disable=SC2046 # words on purpose
        (cd "$work" && exec setpriv $(server_account) "$@")
    else
        (cd "$work" && exec "$@")
    fi
}

# Gives files to that account, and to no other.
own() {
    chmod -R go= "$@"
    if is_root; then chown -R "nobody:$(id -g nobody)" "$@"; fi
}

# --- new data directories ---------------------------------------------------------------------------------------------

# new_data NAME VERSION COMMAND...: runs the command to make $work/NAME/data, or copies what it made for an earlier run. It
# is made afresh when the version, the script of that server or the user changes.
new_data() {
    local name=$1 data="$work/$1/data" kept
    kept="$cache/data/$name-$(id -u)-$( (echo "$2" && cat "$root/tests/servers/$name.sh") | cksum | cut -d' ' -f1)"
    shift 2
    if [ -d "$kept" ]; then
        cp -a "$kept" "$data"
    else
        "$@"
        keep "$data" "$kept"
        # Those of other versions; but one made today another run may be copying.
        find "$cache/data" -maxdepth 1 -name "$name-*" -mtime +0 -exec rm -rf {} +
    fi
}

# keep FOLDER PLACE: stores a copy there. By renaming, as another run may be doing the same.
keep() {
    local copy="$2.$$"
    mkdir -p "$(dirname "$2")"
    cp -a "$1" "$copy"
    if [ -e "$2" ]; then rm -rf "$copy"; else mv "$copy" "$2"; fi
}

# --- running ----------------------------------------------------------------------------------------------------------

# Sets $port to one that nobody answers on. Below the range from which systems hand out ports; should another take it
# before the server does, the server ends and await() gives it another one.
choose_port() {
    while :; do
        port=$((20000 + RANDOM % 12000))
        (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || return 0
    done
}

# spawn NAME SIGNAL ACCOUNT PROGRAM...: runs a server in the background, its output in $work/NAME/log, its process id in
# $work/NAME/pid. Where the system can (Linux), it gets SIGNAL when this script ends in any way, even by SIGKILL; that
# works for children of this very shell only, so this is not to be called from a subshell.
spawn() {
    local name=$1 signal=$2 account=$3
    shift 3
    if have setpriv; then
        # shellcheck disable=SC2086 # ACCOUNT is several words, or none
        set -- setpriv --pdeathsig "$signal" $account "$@"
    fi
    in_background "$work/$name/log" env -i PATH="$PATH" LC_ALL=C "$@"
    echo "$background_pid" >"$work/$name/pid"
}

# in_background LOG COMMAND...: starts it in a process group of its own (-m), so that Ctrl-C does not reach it but a kill of
# the group reaches all its children. Sets $background_pid.
in_background() {
    local log=$1
    shift
    : >"$log"
    set -m
    "$@" </dev/null >>"$log" 2>&1 &
    set +m
    background_pid=$!
}

ready='ready (for|to accept) connections' # what the three of them write into their logs

# await NAME: waits until the server takes connections. One that did not get its port is started again on another.
await() {
    local name=$1 log="$work/$1/log" pid give_up=$((SECONDS + 120)) tries=5
    while :; do
        pid=$(cat "$work/$name/pid")
        if grep -qi 'address already in use' "$log"; then
            # PostgreSQL goes on if it has one of its two addresses.
            [ $tries != 0 ] || die "$name found no free port"
            tries=$((tries - 1))
            kill -KILL "$pid" 2>/dev/null || true
            wait "$pid" 2>/dev/null || true
            "${name}_start"
        elif grep -Eq "$ready" "$log"; then
            return
        elif ! kill -0 "$pid" 2>/dev/null; then
            die "$name did not start"
        fi
        [ $SECONDS -lt $give_up ] || die "$name is not ready after 120 seconds"
        sleep 0.05
    done
}

# Shows what may explain a failure: the ends of all logs until the servers are up, then what each has written since.
show_logs() {
    local log
    for log in "$work"/*.log "$work"/*/*.log "$work"/*/log; do
        [ -s "$log" ] || continue
        if grep -Eq "$ready" "$log"; then
            show_end "$log" "$(sed -E "1,/$ready/d; /^Version: /d" "$log")"
        elif [ -z "${servers_are_up-}" ]; then
            show_end "$log" "$(cat "$log")"
        fi
    done
}

show_end() {
    [ -z "$2" ] || { say "the end of ${1#"$work/"}:" && printf '%s\n' "$2" | tail -n 15 >&2; }
}

# Ends the servers of this run, and waits until they are gone. Their data goes too, so PostgreSQL skips its checkpoint
# (SIGQUIT, which still frees its shared memory) and the others are not asked.
stop_servers() {
    local file pids=""
    for file in "$work"/*/pid; do
        [ -e "$file" ] || continue
        pids="$pids $(cat "$file")"
        case $file in
            */postgres/pid) kill -QUIT "$(cat "$file")" 2>/dev/null ;;
            *) kill -KILL "$(cat "$file")" 2>/dev/null ;;
        esac
    done
    # shellcheck disable=SC2086 # one or more numbers
    while [ -n "$pids" ] && kill -0 $pids 2>/dev/null; do sleep 0.05; done
}

# Cleans up after a run that was killed before it could do so: to be run in the background.
clean_up_after() {
    while kill -0 "$$"; do sleep 1; done
    stop_servers
    rm -rf "$work"
}
