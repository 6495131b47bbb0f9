//! The currencies Stripe knows, and the least it charges in each.

use super::error::ApiError;

const KNOWN: &str = "aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bif bmd bnd bob brl bsd bwp byn bzd cad cdf \
    chf clp cny cop crc cve czk djf dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gnf gtq gyd hkd hnl hrk htg huf idr \
    ils inr isk jmd jpy kes kgs khr kmf krw kyd kzt lak lbp lkr lrd lsl mad mdl mga mkd mmk mnt mop mur mvr mwk mxn myr \
    mzn nad ngn nio nok npr nzd pab pen pgk php pkr pln pyg qar ron rsd rub rwf sar sbd scr sek sgd shp sll sos srd std \
    szl thb tjs top try ttd twd tzs uah ugx usd uyu uzs vnd vuv wst xaf xcd xof xpf yer zar zmw bhd jod kwd omr tnd";

/// Minor units; from Stripe's page on minimum charge amounts.
const MINIMA: [(&str, i64); 26] = [
    ("aed", 200),
    ("aud", 50),
    ("bgn", 100),
    ("brl", 50),
    ("cad", 50),
    ("chf", 50),
    ("czk", 1500),
    ("dkk", 250),
    ("eur", 50),
    ("gbp", 30),
    ("hkd", 400),
    ("huf", 17500),
    ("inr", 50),
    ("jpy", 50),
    ("mxn", 1000),
    ("myr", 200),
    ("nok", 300),
    ("nzd", 50),
    ("pln", 200),
    ("ron", 200),
    ("sek", 300),
    ("sgd", 50),
    ("thb", 1000),
    ("twd", 1500),
    ("usd", 50),
    ("zar", 900),
];

/// Three decimals, of which Stripe wants the last to be 0.
const THREE_DECIMALS: [&str; 5] = ["bhd", "jod", "kwd", "omr", "tnd"];

/// Refuses what is no currency in lower case.
pub(crate) fn check(currency: &str, param: &str) -> Result<(), ApiError> {
    if KNOWN.split_ascii_whitespace().any(|known| known == currency) {
        return Ok(());
    }
    let hint = if KNOWN.split_ascii_whitespace().any(|known| currency.eq_ignore_ascii_case(known)) {
        "currencies are written in lower case"
    } else {
        "it is none of the currencies Stripe supports"
    };
    Err(ApiError::invalid(format!("Invalid currency: {currency}; {hint}.")).with_param(param))
}

/// Refuses an amount in minor units that Stripe cannot move in that currency.
pub(crate) fn check_amount(amount: i64, currency: &str, param: &str) -> Result<(), ApiError> {
    if THREE_DECIMALS.contains(&currency) && amount % 10 != 0 {
        let message =
            format!("Invalid amount: {amount} {currency}; the last digit must be 0 in a currency of three decimals.");
        return Err(ApiError::bad_integer(param, message));
    }
    Ok(())
}

/// The least Stripe charges, in minor units; 0 where it names none.
pub(crate) fn minimum_charge(currency: &str) -> i64 {
    MINIMA.iter().find(|(known, _)| *known == currency).map_or(0, |(_, least)| *least)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn currencies_are_known_and_lower_case() {
        assert!(check("eur", "currency").is_ok());
        assert!(check("kwd", "currency").is_ok());
        assert!(check("EUR", "currency").unwrap_err().message.contains("lower case"));
        assert!(check("xyz", "currency").unwrap_err().message.contains("none"));
    }

    #[test]
    fn three_decimals_end_in_zero() {
        assert!(check_amount(1230, "kwd", "amount").is_ok());
        assert!(check_amount(1234, "kwd", "amount").is_err());
        assert!(check_amount(1234, "jpy", "amount").is_ok());
    }

    #[test]
    fn minima_are_in_minor_units() {
        assert_eq!(minimum_charge("usd"), 50);
        assert_eq!(minimum_charge("isk"), 0);
    }
}
