# shellcheck shell=bash
# MariaDB. Users: `relata` (mysql_native_password), and `certuser`, who has the database `certdb` and logs in by
# certificate only.

mariadb_packages="mariadb-server-core mariadb-client-core"
mariadb_hint="apt-get install mariadb-server, or brew install mariadb"

mariadb_find() {
    mariadb_server=$(folder_with mariadbd /usr/libexec /usr/sbin /opt/homebrew/opt/mariadb*/bin \
        /usr/local/opt/mariadb*/bin "$(folder_on_path mariadbd)") || return 1
    mariadb_server="$mariadb_server/mariadbd"
    # The program that makes a new data directory is in the same folder or, on Debian, in another.
    mariadb_install=$(folder_with mariadb-install-db /usr/bin "$(dirname "$mariadb_server")") || return 1
    mariadb_install="$mariadb_install/mariadb-install-db"
}

mariadb_prepare() {
    # Small logs, unsynced: a fifth of the time and of the space. Root gets in by the socket alone.
    new_data mariadb "$("$mariadb_server" --version)" \
        as_server "$mariadb_install" --no-defaults --datadir="$work/mariadb/data" --skip-test-db --skip-name-resolve \
        --auth-root-authentication-method=socket --auth-root-socket-user="$(as_server id -un)" \
        --innodb-log-file-size=8M --innodb-flush-method=nosync
    cat >"$work/mariadb/init.sql" <<END
CREATE USER relata@'%' IDENTIFIED VIA mysql_native_password USING PASSWORD('$password');
GRANT ALL ON *.* TO relata@'%' WITH GRANT OPTION;
CREATE DATABASE relata;
CREATE USER certuser@'%' REQUIRE X509;
CREATE DATABASE certdb;
GRANT ALL ON certdb.* TO certuser@'%';
END
    own "$work/mariadb/init.sql"
}

mariadb_start() {
    choose_port
    RELATA_TEST_MARIADB_URL="mariadb://relata:$password_in_url@127.0.0.1:$port/relata"
    spawn mariadb KILL "$(server_account)" "$mariadb_server" --no-defaults --datadir="$work/mariadb/data" \
        --init-file="$work/mariadb/init.sql" --bind-address="$addresses" --port="$port" \
        --socket="$work/mariadb/socket" --pid-file="$work/mariadb/data/pid" --skip-name-resolve \
        --ssl-ca="$work/tls/ca.crt" --ssl-cert="$work/tls/server.crt" --ssl-key="$work/tls/server.key" \
        --character-set-server=utf8mb4 --max-connections=300 --innodb-buffer-pool-size=64M --innodb-log-file-size=8M \
        --innodb-flush-log-at-trx-commit=0 --innodb-flush-method=nosync --skip-innodb-doublewrite
}
