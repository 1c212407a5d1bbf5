//! Kubernetes quantities (`500m`, `4Gi`), the form in which devfiles and manifests state sizes.
//!
//! Rule: <https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/>.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// An amount of memory or storage, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Bytes(pub u64);

/// An amount of processor time, in thousandths of one processor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct MilliCpu(pub u64);

/// Why a text is no quantity.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QuantityError {
    /// Not a number with an optional suffix.
    #[error("a quantity is a number with an optional suffix, such as 500m, 2 or 4Gi")]
    Form,
    /// Below zero.
    #[error("a quantity here can't be negative")]
    Negative,
    /// More than fits.
    #[error("the quantity is too large")]
    TooLarge,
}

/// The quantity in thousandths of its unit, rounded up as Kubernetes does.
fn parse_milli(text: &str) -> Result<u128, QuantityError> {
    if text.starts_with('-') {
        return Err(QuantityError::Negative);
    }
    let text = text.strip_prefix('+').unwrap_or(text);
    let split = text
        .find(|c: char| !(c.is_ascii_digit() || c == '.'))
        .unwrap_or(text.len());
    let (number, suffix) = text.split_at(split);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') {
        return Err(QuantityError::Form);
    }
    let digits = format!("{whole}{fraction}");
    let mantissa: u128 = digits.parse().map_err(|_| QuantityError::TooLarge)?;
    let fraction_digits = u32::try_from(fraction.len()).map_err(|_| QuantityError::TooLarge)?;
    let (factor, exponent) = scale(suffix)?;
    // value = mantissa * factor * 10^(exponent - fraction_digits), and thousandths of that.
    let exponent = exponent + 3 - i64::from(fraction_digits);
    let scaled = mantissa.checked_mul(factor).ok_or(QuantityError::TooLarge)?;
    let power = u32::try_from(exponent.unsigned_abs()).map_err(|_| QuantityError::TooLarge)?;
    match (10u128.checked_pow(power), exponent >= 0) {
        (Some(ten), true) => scaled.checked_mul(ten).ok_or(QuantityError::TooLarge),
        (Some(ten), false) => Ok(scaled.div_ceil(ten)),
        (None, true) if scaled > 0 => Err(QuantityError::TooLarge),
        (None, true) => Ok(0),
        (None, false) => Ok(u128::from(scaled > 0)),
    }
}

/// A suffix as a factor and a power of ten.
fn scale(suffix: &str) -> Result<(u128, i64), QuantityError> {
    Ok(match suffix {
        "" => (1, 0),
        "n" => (1, -9),
        "u" => (1, -6),
        "m" => (1, -3),
        "k" => (1, 3),
        "M" => (1, 6),
        "G" => (1, 9),
        "T" => (1, 12),
        "P" => (1, 15),
        "E" => (1, 18),
        "Ki" => (1 << 10, 0),
        "Mi" => (1 << 20, 0),
        "Gi" => (1 << 30, 0),
        "Ti" => (1 << 40, 0),
        "Pi" => (1 << 50, 0),
        "Ei" => (1 << 60, 0),
        other => {
            let exponent = other.strip_prefix(['e', 'E']).ok_or(QuantityError::Form)?;
            let exponent: i64 = exponent.parse().map_err(|_| QuantityError::Form)?;
            if exponent.abs() > 30 {
                return Err(QuantityError::TooLarge);
            }
            (1, exponent)
        }
    })
}

impl FromStr for Bytes {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Self, QuantityError> {
        let bytes = parse_milli(text)?.div_ceil(1000);
        // i64 is what every kernel interface and Podman's API can carry.
        i64::try_from(bytes)
            .map(|b| Self(b.unsigned_abs()))
            .map_err(|_| QuantityError::TooLarge)
    }
}

impl FromStr for MilliCpu {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Self, QuantityError> {
        let milli = parse_milli(text)?;
        i64::try_from(milli)
            .map(|m| Self(m.unsigned_abs()))
            .map_err(|_| QuantityError::TooLarge)
    }
}

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (shift, unit) in [(50, "Pi"), (40, "Ti"), (30, "Gi"), (20, "Mi"), (10, "Ki")] {
            if self.0 != 0 && self.0.trailing_zeros() >= shift {
                return f.pad(&format!("{}{unit}", self.0 >> shift));
            }
        }
        f.pad(&self.0.to_string())
    }
}

impl fmt::Display for MilliCpu {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_multiple_of(1000) {
            f.pad(&(self.0 / 1000).to_string())
        } else {
            f.pad(&format!("{}m", self.0))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_read_as_kubernetes_reads_them() {
        let bytes = |t: &str| t.parse::<Bytes>().map(|b| b.0);
        assert_eq!(bytes("4Gi"), Ok(4 << 30));
        assert_eq!(bytes("1.5Ki"), Ok(1536));
        assert_eq!(bytes("100M"), Ok(100_000_000));
        assert_eq!(bytes("1e3"), Ok(1000));
        assert_eq!(bytes("1500m"), Ok(2));
        assert_eq!(bytes("0"), Ok(0));
        assert_eq!(bytes("-1"), Err(QuantityError::Negative));
        for bad in ["", "Gi", "1 Gi", "1GiB", "1.2.3", "e3", "x", "1ee3"] {
            assert_eq!(bytes(bad), Err(QuantityError::Form), "{bad}");
        }
        assert_eq!(bytes("9999999Ei"), Err(QuantityError::TooLarge));
        let cpu = |t: &str| t.parse::<MilliCpu>().map(|c| c.0);
        assert_eq!(cpu("500m"), Ok(500));
        assert_eq!(cpu("2"), Ok(2000));
        assert_eq!(cpu("0.1"), Ok(100));
        assert_eq!(cpu("100u"), Ok(1));
    }

    #[test]
    fn quantities_print_in_their_largest_exact_unit() {
        assert_eq!(Bytes(4 << 30).to_string(), "4Gi");
        assert_eq!(Bytes(1000).to_string(), "1000");
        assert_eq!(Bytes(0).to_string(), "0");
        assert_eq!(MilliCpu(1500).to_string(), "1500m");
        assert_eq!(MilliCpu(2000).to_string(), "2");
    }
}
