//! `CREATE TYPE … AS ENUM` (PostgreSQL manual, CREATE TYPE).

use crate::{
    dialect::Feature,
    render::{Compile, Renderer},
    value::EnumType,
};

/// `CREATE TYPE name AS ENUM (…)`.
#[derive(Debug, Clone, PartialEq)]
pub struct CreateEnum {
    /// The type.
    pub ty: &'static EnumType,
    /// Leaves alone a type that is there. Nobody spells it alike: it is left to the dialect.
    pub if_not_exists: bool,
}

/// `DROP TYPE name`.
#[derive(Debug, Clone, PartialEq)]
pub struct DropEnum {
    /// The type.
    pub ty: &'static EnumType,
    /// `IF EXISTS`.
    pub if_exists: bool,
}

impl CreateEnum {
    pub(super) fn render(&self, out: &mut Renderer<'_>) -> Compile {
        out.require(Feature::NamedEnum)?.sql("CREATE TYPE ").identifier(self.ty.name)?.sql(" AS ENUM (");
        out.list(self.ty.variants, ", ", |out, variant| {
            out.literal(variant);
            Ok(())
        })?;
        out.sql(")");
        Ok(())
    }
}

impl DropEnum {
    pub(super) fn render(&self, out: &mut Renderer<'_>) -> Compile {
        out.require(Feature::NamedEnum)?
            .sql("DROP TYPE ")
            .sql(if self.if_exists { "IF EXISTS " } else { "" })
            .identifier(self.ty.name)?;
        Ok(())
    }
}
