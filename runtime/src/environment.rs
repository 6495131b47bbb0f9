//! The settings and ports of one process. Hands out only what the handler's spec declares, so that a handler cannot
//! read what `billform apply` does not set, or call what its role does not allow.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use billing::function::{Grant, Setting};

use crate::error::{RunError, StartError};
use crate::ports::{Checkout, Clock, CostQuery, CostSource, Invoices, Ledger, Payments, PortError, Ports, Secrets};
use crate::secret::Secret;
use crate::settings::{SettingError, Settings};
use crate::spec::Spec;

/// What one handler may use.
pub struct Environment {
    spec: Spec,
    settings: Settings,
    ports: Arc<dyn Ports>,
}

impl Environment {
    /// The environment of the handler with this spec.
    pub fn new(spec: Spec, settings: Settings, ports: Arc<dyn Ports>) -> Environment {
        Environment { spec, settings, ports }
    }

    /// A setting that must be set.
    ///
    /// # Errors
    /// When it is not declared, or not set.
    pub fn setting(&self, setting: Setting) -> Result<String, StartError> {
        self.declared(setting)?;
        Ok(self.settings.required(setting)?.to_owned())
    }

    /// A setting that the manifest may leave empty.
    ///
    /// # Errors
    /// When it is not declared.
    pub fn optional(&self, setting: Setting) -> Result<Option<String>, StartError> {
        self.declared(setting)?;
        Ok(self.settings.optional(setting).map(str::to_owned))
    }

    /// A whole number that must be set.
    ///
    /// # Errors
    /// When it is not declared, not set, or not a whole number.
    pub fn number(&self, setting: Setting) -> Result<u32, StartError> {
        self.declared(setting)?;
        Ok(self.settings.number(setting)?)
    }

    /// What an optional setting's text says; none when unset.
    ///
    /// # Errors
    /// When it is not declared, or malformed.
    pub fn parsed<T: FromStr<Err: fmt::Display>>(&self, setting: Setting) -> Result<Option<T>, StartError> {
        self.declared(setting)?;
        Ok(self.settings.parsed(setting)?)
    }

    /// What a setting's text says that must be set.
    ///
    /// # Errors
    /// When it is not declared, not set, or malformed.
    pub fn required<T: FromStr<Err: fmt::Display>>(&self, setting: Setting) -> Result<T, StartError> {
        self.setting(setting)?;
        self.parsed(setting)?.ok_or_else(|| SettingError::Missing(setting.variable()).into())
    }

    /// What the parts of an optional, comma separated setting say; none when unset.
    ///
    /// # Errors
    /// When it is not declared, or a part is malformed.
    pub fn list<T: FromStr<Err: fmt::Display>>(&self, setting: Setting) -> Result<Vec<T>, StartError> {
        self.declared(setting)?;
        Ok(self.settings.list(setting)?)
    }

    /// What a word that must be set stands for.
    ///
    /// # Errors
    /// When it is not declared, not set, or none of these words.
    pub fn chosen<T: Clone>(&self, setting: Setting, words: &[(&str, T)]) -> Result<T, StartError> {
        self.declared(setting)?;
        Ok(self.settings.chosen(setting, words)?)
    }

    /// The ledger table.
    ///
    /// # Errors
    /// Without a grant on the ledger, or without [`Setting::LedgerTable`].
    pub fn ledger(&self) -> Result<Arc<dyn Ledger>, StartError> {
        self.granted("the ledger", &[Grant::LedgerRead, Grant::LedgerWrite])?;
        Ok(self.ports.ledger(&self.setting(Setting::LedgerTable)?))
    }

    /// The ledger table, for the items that count what tenants ask.
    ///
    /// # Errors
    /// Without its grant, or without [`Setting::LedgerTable`].
    pub fn throttle_ledger(&self) -> Result<Arc<dyn Ledger>, StartError> {
        self.granted("the tenants' throttle", &[Grant::ThrottleWrite])?;
        Ok(self.ports.ledger(&self.setting(Setting::LedgerTable)?))
    }

    /// Another stack's ledger, for claims on cost.
    ///
    /// # Errors
    /// Without its grant.
    pub fn claims_ledger(&self, table: &str) -> Result<Arc<dyn Ledger>, StartError> {
        self.granted("claims of several stacks", &[Grant::ClaimsWrite])?;
        Ok(self.ports.ledger(table))
    }

    /// Cost Explorer, asked with the manifest's tags, basis and scope.
    ///
    /// # Errors
    /// Without its grant, or one of the settings that the query needs.
    pub fn cost_source(&self) -> Result<Arc<dyn CostSource>, StartError> {
        self.granted("Cost Explorer", &[Grant::CostExplorerRead])?;
        self.declared(Setting::CostScope)?;
        self.declared(Setting::CostRecords)?;
        let query = CostQuery {
            tenant_tag: self.setting(Setting::TenantTag)?,
            project_tag: self.optional(Setting::ProjectTag)?,
            basis: self.setting(Setting::CostBasis)?,
            scope: self.settings.pair(Setting::CostScope)?,
            records: self.settings.list(Setting::CostRecords)?,
        };
        Ok(self.ports.cost_source(query))
    }

    /// The key that signs links.
    ///
    /// # Errors
    /// Without its grant, or without [`Setting::LinkSecret`].
    pub fn link_secret(&self) -> Result<NamedSecret, StartError> {
        self.granted("the link key", &[Grant::LinkSecretRead])?;
        self.secret(Setting::LinkSecret)
    }

    /// The signing secret of the Stripe webhook.
    ///
    /// # Errors
    /// Without its grant, or without [`Setting::WebhookSecret`].
    pub fn webhook_secret(&self) -> Result<NamedSecret, StartError> {
        self.granted("the webhook's signing secret", &[Grant::WebhookSecretRead])?;
        self.secret(Setting::WebhookSecret)
    }

    /// Stripe, under the stack's key.
    ///
    /// # Errors
    /// Without its grant, or without [`Setting::StripeSecret`].
    pub fn stripe(&self) -> Result<Stripe, StartError> {
        self.granted("Stripe", &[Grant::StripeSecretRead])?;
        Ok(Stripe { key: self.secret(Setting::StripeSecret)?, ports: self.ports.clone() })
    }

    /// The clock, which every handler may read.
    pub fn clock(&self) -> Arc<dyn Clock> {
        self.ports.clock()
    }

    fn secret(&self, name: Setting) -> Result<NamedSecret, StartError> {
        Ok(NamedSecret { secrets: self.ports.secrets(), name: self.setting(name)? })
    }

    fn declared(&self, setting: Setting) -> Result<(), StartError> {
        match self.spec.settings.contains(&setting) {
            true => Ok(()),
            false => Err(StartError::UndeclaredSetting { handler: self.spec.name, setting }),
        }
    }

    fn granted(&self, port: &'static str, grants: &'static [Grant]) -> Result<(), StartError> {
        match grants.iter().any(|grant| self.spec.grants.contains(grant)) {
            true => Ok(()),
            false => Err(StartError::UndeclaredPort { handler: self.spec.name, port, grants }),
        }
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Environment")
            .field("spec", &self.spec)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

/// A secret by name, read when it is needed: its value may be rotated while the process lives.
#[derive(Clone)]
pub struct NamedSecret {
    secrets: Arc<dyn Secrets>,
    name: String,
}

impl NamedSecret {
    /// The secret `name` of a store.
    pub fn new(secrets: Arc<dyn Secrets>, name: impl Into<String>) -> NamedSecret {
        NamedSecret { secrets, name: name.into() }
    }

    /// Reads its present value.
    ///
    /// # Errors
    /// When the store cannot be read or has no such secret.
    pub async fn read(&self) -> Result<Secret, PortError> {
        self.secrets.secret(&self.name).await
    }

    /// Reads it past what is remembered, when what it should have signed does not hold: it may have been rotated since.
    ///
    /// # Errors
    /// When the store cannot be read or has no such secret.
    pub async fn read_again(&self) -> Result<Secret, PortError> {
        self.secrets.secret_again(&self.name).await
    }
}

/// Stripe under the stack's key, which is read for each run.
#[derive(Clone)]
pub struct Stripe {
    key: NamedSecret,
    ports: Arc<dyn Ports>,
}

impl Stripe {
    /// Stripe's invoices.
    ///
    /// # Errors
    /// When the key cannot be read, or is not in a known form.
    pub async fn invoices(&self) -> Result<Arc<dyn Invoices>, RunError> {
        let key = self.key.read().await?.stripe_key()?;
        Ok(self.ports.invoices(key)?)
    }

    /// Stripe's pages for customers.
    ///
    /// # Errors
    /// When the key cannot be read, or is not in a known form.
    pub async fn checkout(&self) -> Result<Arc<dyn Checkout>, RunError> {
        let key = self.key.read().await?.stripe_key()?;
        Ok(self.ports.checkout(key)?)
    }

    /// Stripe's payments, customers and events.
    ///
    /// # Errors
    /// When the key cannot be read, or is not in a known form.
    pub async fn payments(&self) -> Result<Arc<dyn Payments>, RunError> {
        let key = self.key.read().await?.stripe_key()?;
        Ok(self.ports.payments(key)?)
    }
}

/// A missing setting that must be set, among those that a spec declares; for a start-up check of all at once.
pub fn missing(spec: &Spec, settings: &Settings) -> Option<SettingError> {
    let required = spec.settings.iter().filter(|setting| !setting.is_optional());
    required.into_iter().find_map(|setting| settings.required(*setting).err())
}
