//! `decimal_add`, `decimal_sub`, `decimal_mul`, `decimal_abs`, `decimal_sum`, `decimal_round`: exact, or an error.

use relata_core::value::DecimalValue;
use rusqlite::{
    Connection, Error, Result,
    functions::{Aggregate, Context, FunctionFlags, WindowAggregate},
    types::ValueRef,
};

pub(super) fn install(connection: &Connection) -> Result<()> {
    let flags =
        FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC | FunctionFlags::SQLITE_INNOCUOUS;
    let binary: [(&str, fn(DecimalValue, DecimalValue) -> Option<DecimalValue>); 3] =
        [("decimal_add", add), ("decimal_sub", |a, b| add(a, negated(b)?)), ("decimal_mul", multiply)];
    for (name, calculate) in binary {
        connection.create_scalar_function(name, 2, flags, move |context| {
            let (Some(left), Some(right)) = (argument(context, 0)?, argument(context, 1)?) else {
                return Ok(None);
            };
            calculate(left, right).map(|result| Some(result.to_string())).ok_or_else(overflow)
        })?;
    }
    connection.create_scalar_function("decimal_abs", 1, flags, |context| {
        let Some(number) = argument(context, 0)? else { return Ok(None) };
        let positive = if number.mantissa() < 0 { negated(number) } else { Some(number) };
        positive.map(|result| Some(result.to_string())).ok_or_else(overflow)
    })?;
    connection.create_scalar_function("decimal_round", 1, flags, |context| {
        let Some(number) = argument(context, 0)? else { return Ok(None) };
        i64::try_from(rounded(number)).map(Some).map_err(|_| overflow())
    })?;
    connection.create_window_function("decimal_sum", 1, flags, Sum)
}

/// The sum of the rows of a group, or of a window that moves.
struct Sum;

/// How many numbers were added, and their sum.
struct Total {
    count: u64,
    sum: DecimalValue,
}

impl Aggregate<Total, Option<String>> for Sum {
    fn init(&self, _: &mut Context<'_>) -> Result<Total> {
        Ok(Total { count: 0, sum: DecimalValue::new(0, 0) })
    }

    fn step(&self, context: &mut Context<'_>, total: &mut Total) -> Result<()> {
        if let Some(number) = argument(context, 0)? {
            total.sum = add(total.sum, number).ok_or_else(overflow)?;
            total.count += 1;
        }
        Ok(())
    }

    fn finalize(&self, _: &mut Context<'_>, total: Option<Total>) -> Result<Option<String>> {
        Ok(total.and_then(|total| total.read()))
    }
}

impl WindowAggregate<Total, Option<String>> for Sum {
    fn value(&self, total: Option<&mut Total>) -> Result<Option<String>> {
        Ok(total.and_then(|total| total.read()))
    }

    fn inverse(&self, context: &mut Context<'_>, total: &mut Total) -> Result<()> {
        if let Some(number) = argument(context, 0)? {
            total.sum = negated(number).and_then(|number| add(total.sum, number)).ok_or_else(overflow)?;
            total.count = total.count.saturating_sub(1);
        }
        Ok(())
    }
}

impl Total {
    fn read(&self) -> Option<String> {
        (self.count > 0).then(|| self.sum.to_string())
    }
}

fn argument(context: &Context<'_>, index: usize) -> Result<Option<DecimalValue>> {
    let number = match context.get_raw(index) {
        ValueRef::Null => return Ok(None),
        ValueRef::Integer(number) => Some(DecimalValue::new(i128::from(number), 0)),
        ValueRef::Text(text) => std::str::from_utf8(text).ok().and_then(DecimalValue::parse),
        ValueRef::Real(_) | ValueRef::Blob(_) => None,
    };
    number.map(Some).ok_or_else(|| Error::UserFunctionError("not a decimal of 38 digits or fewer".into()))
}

fn overflow() -> Error {
    Error::UserFunctionError("decimal overflow, as the result has more than 38 digits".into())
}

fn negated(number: DecimalValue) -> Option<DecimalValue> {
    Some(DecimalValue::new(number.mantissa().checked_neg()?, number.scale()))
}

fn add(left: DecimalValue, right: DecimalValue) -> Option<DecimalValue> {
    let exact = |left: DecimalValue, right: DecimalValue| {
        let scale = left.scale().max(right.scale());
        let sum = widened(left, scale)?.checked_add(widened(right, scale)?)?;
        Some(DecimalValue::new(sum, scale))
    };
    exact(left, right).or_else(|| exact(stripped(left), stripped(right)))
}

fn multiply(left: DecimalValue, right: DecimalValue) -> Option<DecimalValue> {
    let exact = |left: DecimalValue, right: DecimalValue| {
        let product = left.mantissa().checked_mul(right.mantissa())?;
        Some(DecimalValue::new(product, left.scale().checked_add(right.scale())?))
    };
    exact(left, right).or_else(|| exact(stripped(left), stripped(right)))
}

/// The nearest integer; of two the one further from zero.
fn rounded(number: DecimalValue) -> i128 {
    let Some(one) = 10_i128.checked_pow(u32::from(number.scale())) else { return 0 };
    let (whole, rest) = (number.mantissa() / one, number.mantissa() % one);
    if rest.unsigned_abs() >= one.unsigned_abs().div_ceil(2) { whole + rest.signum() } else { whole }
}

/// All digits, with this many behind the point.
fn widened(number: DecimalValue, scale: u8) -> Option<i128> {
    let by = scale.checked_sub(number.scale())?;
    if number.mantissa() == 0 {
        return Some(0);
    }
    number.mantissa().checked_mul(10_i128.checked_pow(u32::from(by))?)
}

/// Without the zeros at its end.
fn stripped(number: DecimalValue) -> DecimalValue {
    let (mut mantissa, mut scale) = (number.mantissa(), number.scale());
    while scale > 0 && mantissa % 10 == 0 {
        mantissa /= 10;
        scale -= 1;
    }
    DecimalValue::new(mantissa, scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> DecimalValue {
        DecimalValue::parse(text).unwrap()
    }

    #[test]
    fn results_are_exact_or_none() {
        assert_eq!(add(number("0.1"), number("0.2")), Some(number("0.3")));
        assert_eq!(add(number("12.50"), number("-0.125")), Some(number("12.375")));
        assert_eq!(multiply(number("1.5"), number("-0.25")), Some(number("-0.375")));
        let large = "99999999999999999999999999999999999999";
        assert_eq!(multiply(number(large), number("10")), None);
        assert_eq!(add(number(large), number("0.1")), None);
        assert_eq!(add(number(large), number("0.00")), Some(number(large)));
        assert_eq!(add(number(large), number("1")).map(|n| n.mantissa()), Some(10_i128.pow(38)));
    }
}
