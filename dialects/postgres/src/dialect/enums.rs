//! Names of native enums.

use relata_core::{
    render::{Compile, CompileError},
    value::EnumType,
};

/// The types in pg_catalog, where names are looked for first (5.9.5), but for those that begin with `pg_`.
const TYPES: &str = "aclitem any anyarray anycompatible anycompatiblearray anycompatiblemultirange anycompatiblenonarray \
    anycompatiblerange anyelement anyenum anymultirange anynonarray anyrange bit bool box bpchar bytea char cid cidr circle \
    cstring date datemultirange daterange event_trigger fdw_handler float4 float8 gtsvector index_am_handler inet int2 \
    int2vector int4 int4multirange int4range int8 int8multirange int8range internal interval json jsonb jsonpath \
    language_handler line lseg macaddr macaddr8 money name numeric nummultirange numrange oid oidvector path point polygon \
    record refcursor regclass regcollation regconfig regdictionary regnamespace regoper regoperator regproc regprocedure regrole \
    regtype table_am_handler text tid time timestamp timestamptz timetz trigger tsm_handler tsmultirange tsquery tsrange \
    tstzmultirange tstzrange tsvector txid_snapshot unknown uuid varbit varchar void xid xid8 xml";

/// Refuses an enum whose name means a type of PostgreSQL's own: its columns would be of that type.
pub(super) fn check(ty: &EnumType) -> Compile {
    if ty.name.starts_with("pg_") || TYPES.split(' ').any(|name| name == ty.name) {
        return Err(CompileError::invalid(format!(
            "PostgreSQL has a type {} of its own: give the enum another, `#[enumeration(native, name = \"…\")]`",
            ty.name
        )));
    }
    Ok(())
}
