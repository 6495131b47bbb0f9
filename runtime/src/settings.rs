//! What the environment tells a handler, read once at the start.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::str::FromStr;

use billing::function::Setting;

/// The settings of one process, by variable name.
#[derive(Debug, Clone, Default)]
pub struct Settings(BTreeMap<String, String>);

/// A setting is missing or makes no sense.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingError {
    /// Not set.
    #[error("the setting {0} is missing; `billform apply` sets it")]
    Missing(&'static str),
    /// Not a number.
    #[error("the setting {name} is `{value}`, which is no whole number")]
    NotANumber {
        /// The variable.
        name: &'static str,
        /// What it says.
        value: String,
    },
    /// Not one of the words it may be.
    #[error("the setting {name} is `{value}`; it is one of {known}")]
    Unknown {
        /// The variable.
        name: &'static str,
        /// What it says.
        value: String,
        /// What it may say, comma separated.
        known: String,
    },
    /// Not in the form of what it names.
    #[error("the setting {name} is `{value}`: {problem}")]
    Malformed {
        /// The variable.
        name: &'static str,
        /// What it says.
        value: String,
        /// What is wrong with it.
        problem: String,
    },
    /// Not `key=value`.
    #[error("the setting {name} is `{value}`; write it as key=value")]
    NotAPair {
        /// The variable.
        name: &'static str,
        /// What it says.
        value: String,
    },
}

impl Settings {
    /// Takes pairs of variable and value; empty values count as unset.
    pub fn new(pairs: impl IntoIterator<Item = (String, String)>) -> Settings {
        Settings(pairs.into_iter().filter(|(_, value)| !value.is_empty()).collect())
    }

    /// A setting that must be there.
    pub fn required(&self, setting: Setting) -> Result<&str, SettingError> {
        self.optional(setting).ok_or(SettingError::Missing(setting.variable()))
    }

    /// A setting that may be empty.
    pub fn optional(&self, setting: Setting) -> Option<&str> {
        self.0.get(setting.variable()).map(String::as_str)
    }

    /// A whole number that must be there.
    pub fn number(&self, setting: Setting) -> Result<u32, SettingError> {
        let value = self.required(setting)?;
        value.parse().map_err(|_| SettingError::NotANumber { name: setting.variable(), value: value.to_owned() })
    }

    /// What an optional setting's text says; none when unset.
    pub fn parsed<T: FromStr<Err: Display>>(&self, setting: Setting) -> Result<Option<T>, SettingError> {
        let Some(value) = self.optional(setting) else { return Ok(None) };
        let read = value.parse().map_err(|problem: T::Err| SettingError::Malformed {
            name: setting.variable(),
            value: value.to_owned(),
            problem: problem.to_string(),
        });
        read.map(Some)
    }

    /// What the parts of an optional, comma separated setting say; none when unset.
    pub fn list<T: FromStr<Err: Display>>(&self, setting: Setting) -> Result<Vec<T>, SettingError> {
        let read = |part: &str| {
            part.trim().parse().map_err(|problem: T::Err| SettingError::Malformed {
                name: setting.variable(),
                value: part.to_owned(),
                problem: problem.to_string(),
            })
        };
        self.optional(setting).unwrap_or_default().split(',').filter(|part| !part.is_empty()).map(read).collect()
    }

    /// What a word that must be there stands for.
    pub fn chosen<T: Clone>(&self, setting: Setting, words: &[(&str, T)]) -> Result<T, SettingError> {
        let value = self.required(setting)?;
        let found = words.iter().find(|(word, _)| *word == value).map(|(_, meaning)| meaning.clone());
        found.ok_or_else(|| SettingError::Unknown {
            name: setting.variable(),
            value: value.to_owned(),
            known: words.iter().map(|(word, _)| *word).collect::<Vec<_>>().join(", "),
        })
    }

    /// A `key=value` pair, split at the first `=`; none when unset.
    pub fn pair(&self, setting: Setting) -> Result<Option<(String, String)>, SettingError> {
        let Some(value) = self.optional(setting) else { return Ok(None) };
        let pair = value.split_once('=').filter(|(key, _)| !key.is_empty());
        let (key, tag_value) =
            pair.ok_or_else(|| SettingError::NotAPair { name: setting.variable(), value: value.to_owned() })?;
        Ok(Some((key.to_owned(), tag_value.to_owned())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(pairs: &[(&str, &str)]) -> Settings {
        Settings::new(pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())))
    }

    #[test]
    fn empty_is_unset() {
        let settings = settings(&[("BILLFORM_PROJECT_TAG", ""), ("BILLFORM_TENANT_TAG", "Org")]);
        assert_eq!(settings.optional(Setting::ProjectTag), None);
        assert_eq!(settings.required(Setting::TenantTag), Ok("Org"));
        assert_eq!(settings.required(Setting::LedgerTable), Err(SettingError::Missing("BILLFORM_LEDGER_TABLE")));
    }

    #[test]
    fn pairs_and_numbers_are_checked() {
        let good = settings(&[("BILLFORM_COST_SCOPE", "application=a=b"), ("BILLFORM_SETTLE_DAYS", "14")]);
        let pair = Some(("application".to_owned(), "a=b".to_owned()));
        assert_eq!(good.pair(Setting::CostScope), Ok(pair));
        assert_eq!(good.number(Setting::SettleDays), Ok(14));
        let bad = settings(&[("BILLFORM_COST_SCOPE", "application"), ("BILLFORM_SETTLE_DAYS", "two")]);
        assert!(bad.pair(Setting::CostScope).is_err());
        assert!(bad.number(Setting::SettleDays).is_err());
    }

    #[test]
    fn words_and_forms_are_checked() {
        let good = settings(&[("BILLFORM_APPROVAL", "manual"), ("BILLFORM_APPROVAL_LIMIT", "10.00 USD")]);
        let words = [("manual", 1), ("automatic", 2)];
        assert_eq!(good.chosen(Setting::Approval, &words), Ok(1));
        assert_eq!(good.parsed(Setting::ApprovalLimit), Ok("10.00 USD".parse::<billing::Money>().ok()));
        assert_eq!(good.parsed::<billing::Percent>(Setting::ApprovalDeviation), Ok(None));
        let bad = settings(&[("BILLFORM_APPROVAL", "auto"), ("BILLFORM_APPROVAL_LIMIT", "ten")]);
        let refused = bad.chosen(Setting::Approval, &words).expect_err("a word it is not").to_string();
        assert!(refused.contains("manual, automatic"), "{refused}");
        assert!(bad.parsed::<billing::Money>(Setting::ApprovalLimit).is_err());
        use billing::sharing::RecordType;
        let kinds = |text| settings(&[("BILLFORM_COST_RECORDS", text)]).list::<RecordType>(Setting::CostRecords);
        assert_eq!(kinds("credit,tax"), Ok(vec![RecordType::Credit, RecordType::Tax]));
        assert_eq!(kinds(""), Ok(vec![]));
        assert!(kinds("credit,tip").expect_err("no such type").to_string().contains("`tip`"));
    }
}
