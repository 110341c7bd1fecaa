# shellcheck shell=bash
# Oracle's MySQL. Users: `relata` (caching_sha2_password), and `certuser`, who has the database `certdb` and logs in by
# certificate only.
#
# Debian has MySQL in its unstable suite alone, and it must not be installed over MariaDB. So it is unpacked with all that
# it depends on into a folder of its own, where it runs by its own loader and libraries. Nothing of the system changes,
# which is why that needs no root. The suite moves on: whichever version it has is taken.

mysql_hint="on Debian it is unpacked by itself; elsewhere see MySQL's own packages, or brew install mysql"

# Sets $mysql_server, the command that runs mysqld with the paths it needs, or fails.
mysql_find() {
    local folder unpacked="$cache/mysql" libraries loader
    # MariaDB has a program of that name too.
    for folder in $(folder_on_path mysqld) /usr/sbin /usr/libexec /usr/local/mysql/bin \
        /opt/homebrew/opt/mysql*/bin /usr/local/opt/mysql*/bin; do
        [ -x "$folder/mysqld" ] || continue
        case $("$folder/mysqld" --version) in *MariaDB*) continue ;; esac
        mysql_server=("$folder/mysqld" --no-defaults)
        return
    done
    [ -x "$unpacked/usr/sbin/mysqld" ] || return 1
    loader=$(echo "$unpacked"/usr/lib*/ld-linux-*.so.*)
    libraries=$(echo "$unpacked"/usr/lib/*-linux-gnu)
    mysql_server=("$loader" --library-path "$libraries:$libraries/mysql" "$unpacked/usr/sbin/mysqld" --no-defaults
        --basedir="$unpacked/usr" --plugin-dir="$unpacked/usr/lib/mysql/plugin"
        --lc-messages-dir="$unpacked/usr/share/mysql" --character-sets-dir="$unpacked/usr/share/mysql/charsets")
}

mysql_install() (
    is_debian || return 1
    apt="$work/mysql/apt"
    mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" "$apt/root" "$cache"
    # The mirror that this machine's own apt uses.
    codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
    # shellcheck disable=SC2016 # apt replaces these
    mirror=$(apt-get indextargets --format '$(RELEASE) $(COMPONENT) $(REPO_URI)' 'Created-By: Packages' |
        sed -n "s/^$codename main //p" | head -n 1)
    [ -n "$mirror" ] || return 1
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror sid main" >"$apt/sources.list"
    # A mirror may be a snapshot of an earlier day, hence no check of the date; the signature is checked.
    set -- -q -o Dir::Etc::sourcelist="$apt/sources.list" -o Dir::Etc::sourceparts=/dev/null \
        -o Dir::State::lists="$apt/lists" -o Dir::State::status=/dev/null -o Dir::Cache="$apt/cache" \
        -o APT::Sandbox::User= -o Debug::NoLocking=1 -o Acquire::Languages=none -o Acquire::Check-Valid-Until=false
    { apt-get "$@" update &&
        apt-get "$@" install -y --no-install-recommends --download-only mysql-server-core; } >"$apt/log" 2>&1 ||
        { tail -n 20 "$apt/log" >&2; return 1; }
    for package in "$apt"/cache/archives/*.deb; do
        dpkg-deb --fsys-tarfile "$package" | tar -x --keep-directory-symlink -C "$apt/root"
    done
    # 300 MB, of which the manual pages, headers and debugging aids of the libraries are not needed.
    rm -rf "$apt/root/usr/share/doc" "$apt/root/usr/share/man"
    keep "$apt/root" "$cache/mysql"
    rm -rf "$apt"
)

mysql_prepare() {
    new_data mysql "$("${mysql_server[@]}" --version)" \
        "${mysql_server[@]}" --initialize-insecure --user="$(id -un)" --datadir="$work/mysql/data" \
        --innodb-redo-log-capacity=8M
    cat >"$work/mysql/init.sql" <<END
ALTER USER root@localhost ACCOUNT LOCK;
CREATE USER relata@'%' IDENTIFIED WITH caching_sha2_password BY '$password';
GRANT ALL ON *.* TO relata@'%' WITH GRANT OPTION;
CREATE DATABASE relata;
CREATE USER certuser@'%' REQUIRE X509;
CREATE DATABASE certdb;
GRANT ALL ON certdb.* TO certuser@'%';
END
}

# It runs as whoever calls, root included: another account could not reach a target folder below root's home. So it may
# read and write no files for its users (--secure-file-priv=NULL).
mysql_start() {
    choose_port
    RELATA_TEST_MYSQL_URL="mysql://relata:$password_in_url@127.0.0.1:$port/relata"
    spawn mysql KILL "" "${mysql_server[@]}" --user="$(id -un)" --datadir="$work/mysql/data" \
        --init-file="$work/mysql/init.sql" --bind-address="$addresses" --port="$port" \
        --socket="$work/mysql/socket" --pid-file="$work/mysql/data/pid" --secure-file-priv=NULL --mysqlx=OFF \
        --ssl-ca="$work/tls/ca.crt" --ssl-cert="$work/tls/server.crt" --ssl-key="$work/tls/server.key" \
        --skip-name-resolve --max-connections=300 --skip-log-bin --performance-schema=OFF \
        --innodb-buffer-pool-size=64M --innodb-redo-log-capacity=8M --innodb-flush-log-at-trx-commit=0 \
        --innodb-flush-method=nosync --skip-innodb-doublewrite
}
