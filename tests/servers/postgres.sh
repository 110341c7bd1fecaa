# shellcheck shell=bash
# PostgreSQL. Users: `relata` (password), and `certuser`, who has the database `certdb` and logs in by certificate only.

postgres_packages=postgresql
postgres_hint="apt-get install postgresql, or brew install postgresql"

postgres_find() {
    postgres_bin=$(folder_with initdb /usr/lib/postgresql/*/bin /usr/pgsql-*/bin /usr/local/pgsql/bin \
        /opt/homebrew/opt/postgresql*/bin /usr/local/opt/postgresql*/bin "$(folder_on_path initdb)") &&
        [ -x "$postgres_bin/postgres" ]
}

postgres_prepare() {
    local data="$work/postgres/data" locale=C
    [ "$(uname)" != Linux ] || locale=C.UTF-8
    new_data postgres "$("$postgres_bin/postgres" --version)" \
        as_server "$postgres_bin/initdb" -D "$data" -U postgres --auth=reject -E UTF8 --locale=$locale \
        --no-sync --no-instructions
    # Durability is of no use here. TLS may be had or not, so that every sslmode can be tried.
    cat >>"$data/postgresql.conf" <<END
unix_socket_directories = '$work/postgres'
password_encryption = scram-sha-256
ssl = on
ssl_cert_file = '$work/tls/server.crt'
ssl_key_file = '$work/tls/server.key'
ssl_ca_file = '$work/tls/ca.crt'
max_connections = 300
shared_buffers = 64MB
deadlock_timeout = 200ms
fsync = off
synchronous_commit = off
full_page_writes = off
END
    cat >"$data/pg_hba.conf" <<END
local   all    all      scram-sha-256
hostssl certdb certuser 127.0.0.0/8 cert
host    all    all      127.0.0.0/8 scram-sha-256
END
    # Users and databases are made without a client program and before anyone can connect. No superuser: what the tests
    # do should be within an application's rights.
    as_server env LC_ALL=C "$postgres_bin/postgres" --single -D "$data" postgres >"$work/postgres/users.log" 2>&1 <<END
create role relata login createdb createrole password '$password';
grant pg_signal_backend, pg_monitor to relata;
create database relata owner relata;
create role certuser login;
create database certdb owner certuser;
END
    # Errors do not end this mode.
    ! grep -E 'ERROR|FATAL' "$work/postgres/users.log"
}

postgres_start() {
    choose_port
    RELATA_TEST_POSTGRES_URL="postgres://relata:$password_in_url@127.0.0.1:$port/relata"
    spawn postgres QUIT "$(server_account)" "$postgres_bin/postgres" -D "$work/postgres/data" -p "$port" \
        -c listen_addresses="$addresses"
}
