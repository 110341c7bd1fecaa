# shellcheck shell=bash
# Certificates of this run in $work/tls: a CA, a server certificate for localhost and 127.0.0.1, a client certificate
# for the user `certuser`, and a CA that signed none of them, which clients must refuse.

make_certificates() (
    cd "$work/tls" || exit
    # A file of options, since the openssl of macOS knows no -addext.
    cat >options <<'END'
[req]
distinguished_name = name
[name]
[ca]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[server]
basicConstraints = CA:FALSE
extendedKeyUsage = serverAuth
subjectAltName = DNS:localhost, IP:127.0.0.1
[client]
basicConstraints = CA:FALSE
extendedKeyUsage = clientAuth
END
    authority ca "Relata test CA"
    authority wrong-ca "Another CA"
    leaf server localhost
    leaf client certuser
    rm -f options ./*.csr ./*.srl
    # Servers refuse a key that others may read, and run as another account than the tests.
    chmod 600 ./*.key
    own server.key
)

new_key="-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -config options"

authority() {
    # shellcheck disable=SC2086 # options, split on purpose
    openssl req -x509 $new_key -extensions ca -days 30 -subj "/CN=$2" -keyout "$1.key" -out "$1.crt" 2>/dev/null
}

leaf() {
    # shellcheck disable=SC2086 # options, split on purpose
    openssl req $new_key -subj "/CN=$2" -keyout "$1.key" -out "$1.csr" 2>/dev/null
    openssl x509 -req -in "$1.csr" -CA ca.crt -CAkey ca.key -CAcreateserial -days 30 \
        -extfile options -extensions "$1" -out "$1.crt" 2>/dev/null
}
