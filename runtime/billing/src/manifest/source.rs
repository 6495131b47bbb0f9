//! One file of a manifest.

/// One file of a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Its path as shown in problems; `tenants/` and `environments/` folders in it say what it is.
    pub path: String,
    /// Its text.
    pub text: String,
}

/// What a file is to the manifest, by the folder it lies in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role<'a> {
    /// The manifest itself.
    Base,
    /// Tenants beside it.
    Tenants,
    /// What differs in an environment of this name.
    Environment(&'a str),
}

impl Source {
    /// What the file is.
    pub(super) fn role(&self) -> Role<'_> {
        let mut parts = self.path.rsplit(['/', '\\']);
        let file = parts.next().unwrap_or_default();
        let name = file.strip_suffix(".yaml").or_else(|| file.strip_suffix(".yml")).unwrap_or(file);
        match parts.next() {
            Some("tenants") => Role::Tenants,
            Some("environments") => Role::Environment(name),
            _ => Role::Base,
        }
    }
}
