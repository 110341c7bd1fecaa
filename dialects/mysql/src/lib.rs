//! Relata on MySQL and MariaDB.
