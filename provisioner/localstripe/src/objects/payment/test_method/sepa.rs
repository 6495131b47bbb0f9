//! Stripe's published test accounts for SEPA debits, by country: their tokens and their IBANs.

use super::{Debit, Form, Outcome, Refunds, SOON, TestMethod, decline};

/// The published delay of the delayed ones: at least three minutes.
const DELAYED: i64 = 180;

/// The countries whose bank accounts have test methods.
const COUNTRIES: [&[u8; 2]; 19] = [
    b"at", b"be", b"ch", b"de", b"ee", b"es", b"fi", b"fr", b"gb", b"gi", b"hr", b"ie", b"li", b"lt", b"lu", b"nl",
    b"no", b"pt", b"se",
];

/// What the tokens begin with after `pm_`, in the order of [`ACCOUNTS`].
const NAMES: [&str; 8] = [
    "success",
    "successDelayed",
    "failed",
    "failedDelayed",
    "disputed",
    "exceedsWeeklyVolumeLimit",
    "exceedsWeeklyTransactionLimit",
    "insufficientFunds",
];

/// The published IBANs without country, of the countries whose customers are likely; any other IBAN of a known country
/// whose check digits hold is debited with success.
const ACCOUNTS: [(&str, [&str; 8]); 10] = [
    (
        "at",
        [
            "611904300234573201",
            "321904300235473204",
            "861904300235473202",
            "051904300235473205",
            "591904300235473203",
            "981904300000343434",
            "601904300000121212",
            "981904300002222227",
        ],
    ),
    (
        "be",
        [
            "62510007547061",
            "78510007547064",
            "68539007547034",
            "51510007547065",
            "08510007547063",
            "90510000343434",
            "52510000121212",
            "90510002222227",
        ],
    ),
    (
        "de",
        [
            "89370400440532013000",
            "08370400440532013003",
            "62370400440532013001",
            "78370400440532013004",
            "35370400440532013002",
            "65370400440000343434",
            "27370400440000121212",
            "65370400440002222227",
        ],
    ),
    (
        "ee",
        [
            "382200221020145685",
            "222200221020145682",
            "762200221020145680",
            "922200221020145683",
            "492200221020145681",
            "672200000000343434",
            "292200000000121212",
            "672200000002222227",
        ],
    ),
    (
        "es",
        [
            "0700120345030000067890",
            "2300120345030000067893",
            "9121000418450200051332",
            "9300120345030000067894",
            "5000120345030000067892",
            "1700120345000000343434",
            "7600120345000000121212",
            "1700120345000002222227",
        ],
    ),
    (
        "fi",
        [
            "2112345600000785",
            "3712345600000788",
            "9112345600000786",
            "1012345600000789",
            "6412345600000787",
            "6712345600343434",
            "2912345600121212",
            "6712345602222227",
        ],
    ),
    (
        "fr",
        [
            "1420041010050500013M02606",
            "3020041010050500013M02609",
            "8420041010050500013M02607",
            "7920041010050500013M02600",
            "5720041010050500013M02608",
            "9720041010050000000343434",
            "5920041010050000000121212",
            "9720041010050000002222227",
        ],
    ),
    (
        "ie",
        [
            "29AIBK93115212345678",
            "24AIBK93115212345671",
            "02AIBK93115212345679",
            "94AIBK93115212345672",
            "51AIBK93115212345670",
            "10AIBK93115200343434",
            "69AIBK93115200121212",
            "10AIBK93115202222227",
        ],
    ),
    (
        "lu",
        [
            "280019400644750000",
            "440019400644750003",
            "980019400644750001",
            "170019400644750004",
            "710019400644750002",
            "900010000000343434",
            "520010000000121212",
            "900010000002222227",
        ],
    ),
    (
        "pt",
        [
            "50000201231234567890154",
            "66000201231234567890157",
            "23000201231234567890155",
            "39000201231234567890158",
            "93000201231234567890156",
            "05000201230000000343434",
            "64000201230000000121212",
            "05000201230000002222227",
        ],
    ),
];

/// The test account of that token, `pm_NAME_COUNTRY`.
pub(super) fn of(id: &str) -> Option<TestMethod> {
    let (name, country) = id.strip_prefix("pm_")?.rsplit_once('_')?;
    let country = **COUNTRIES.iter().find(|known| known.as_slice() == country.as_bytes())?;
    let (after, failure, disputed) = match name {
        "success" => (SOON, None, false),
        "successDelayed" => (DELAYED, None, false),
        "failed" => (SOON, Some("generic_could_not_process"), false),
        "failedDelayed" => (DELAYED, Some("generic_could_not_process"), false),
        "disputed" => (SOON, None, true),
        "insufficientFunds" => (SOON, Some("insufficient_funds"), false),
        "exceedsWeeklyVolumeLimit" => (SOON, Some("charge_exceeds_source_limit"), false),
        "exceedsWeeklyTransactionLimit" => (SOON, Some("charge_exceeds_weekly_limit"), false),
        _ => return None,
    };
    let failure = failure.map(|code| decline(code, None, RETURNED));
    Some(TestMethod {
        form: Form::SepaDebit(country),
        outcome: Outcome::Debit(Debit { after: Some(after), failure, disputed }),
        refunds: Refunds::AtOnce,
        not_attachable: None,
    })
}

/// What the API says of a debit that comes back.
pub(crate) const RETURNED: &str = "The debit was returned by the customer's bank.";

/// The token of the account with that IBAN, whose check digits hold; none for a country without test accounts.
pub(crate) fn token_of(iban: &str) -> Option<String> {
    let (country, rest) = iban.split_at_checked(2)?;
    let country = country.to_ascii_lowercase();
    COUNTRIES.iter().find(|known| known.as_slice() == country.as_bytes())?;
    let accounts = ACCOUNTS.iter().find(|(known, _)| *known == country);
    let at = accounts.and_then(|(_, accounts)| accounts.iter().position(|known| *known == rest));
    Some(format!("pm_{}_{country}", NAMES[at.unwrap_or(0)]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_published_account_has_its_token_and_right_check_digits() {
        for (country, accounts) in ACCOUNTS {
            for (account, name) in accounts.iter().zip(NAMES) {
                let iban = format!("{}{account}", country.to_ascii_uppercase());
                assert!(crate::objects::payment::method::iban::valid(&iban), "{iban}");
                let token = token_of(&iban).unwrap();
                assert_eq!(token, format!("pm_{name}_{country}"));
                assert!(of(&token).is_some(), "{token}");
            }
        }
        assert_eq!(token_of("IT60X0542811101000000123456"), None);
        assert_eq!(token_of("NL39RABO0300065264").as_deref(), Some("pm_success_nl"));
    }
}
