//! The rows of a made-up month.

/// How many rows, of how many tenants, from which seed.
#[derive(Debug, Clone, Copy)]
pub struct Lines {
    pub rows: u64,
    pub tenants: u64,
    pub seed: u64,
}

/// One row; amounts of money in units of 10^-10, usage of 10^-6.
#[derive(Debug, Clone, Copy)]
pub struct Line {
    pub number: u64,
    pub tenant: Option<u64>,
    random: u64,
    kind: usize,
    pub usage: i64,
    pub cost: i64,
    /// Effective cost of what a reservation or savings plan covers.
    pub effective: i64,
    /// What is committed, and what of it is used; for a reservation's fee the two parts of what is not used.
    pub committed: i64,
    pub used: i64,
    pub is_reservation: bool,
}

/// Line types with their weights in a thousand.
const KINDS: [(&str, u64); 10] = [
    ("Usage", 790),
    ("DiscountedUsage", 60),
    ("SavingsPlanCoveredUsage", 60),
    ("SavingsPlanNegation", 60),
    ("Tax", 8),
    ("Credit", 8),
    ("SavingsPlanRecurringFee", 5),
    ("RIFee", 4),
    ("Fee", 3),
    ("Refund", 2),
];
const SERVICES: [&str; 20] = [
    "AmazonEC2",
    "AmazonS3",
    "AmazonRDS",
    "AWSLambda",
    "AmazonCloudWatch",
    "AmazonDynamoDB",
    "AmazonVPC",
    "AWSELB",
    "AmazonCloudFront",
    "awskms",
    "AmazonSNS",
    "AmazonSQS",
    "AmazonECS",
    "AmazonEKS",
    "AmazonRoute53",
    "AWSSecretsManager",
    "AmazonEFS",
    "AmazonCognito",
    "AWSBackup",
    "AWSDataTransfer",
];
const PROJECTS: [&str; 6] = ["web", "api", "data", "ml", "mobile", "Büro"];

impl Lines {
    pub fn new(rows: u64) -> Lines {
        Lines { rows, tenants: 500, seed: 1 }
    }

    /// Row `number` of the report: each is made for itself, so that any part can be made alone.
    pub fn line(&self, number: u64) -> Line {
        let mut state = self.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ number;
        let mut random = || {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mixed = (state ^ state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
            mixed ^ mixed >> 31
        };
        let (one, two, three) = (random(), random(), random());
        let tenant = (one % 100 >= 5).then(|| {
            // The square makes early tenants large.
            let place = ((one >> 32) * self.tenants) >> 32;
            place * place / self.tenants
        });
        let mut weight = (two >> 8) % 1000;
        let kind = KINDS
            .iter()
            .position(|(_, of)| {
                if weight < *of {
                    true
                } else {
                    weight -= of;
                    false
                }
            })
            .unwrap_or(0);
        let usage = (three % 744_000_000 / (1 + (three >> 60) * 1000)) as i64;
        let price = [96, 416, 3_840, 20_000, 115_000, 230, 45_000, 7][(two >> 20) as usize % 8];
        // 10^-6 units of usage times 10^-4 of price.
        let cost = match KINDS[kind].0 {
            "Credit" | "Refund" | "SavingsPlanNegation" => -usage * price,
            "DiscountedUsage" => 0,
            _ => usage * price,
        };
        let effective = usage * price / 3;
        Line {
            number,
            tenant,
            random: two ^ three.rotate_left(17),
            kind,
            usage,
            cost,
            effective,
            committed: effective * 5,
            used: effective * 4,
            is_reservation: matches!(KINDS[kind].0, "DiscountedUsage" | "RIFee")
                || KINDS[kind].0 == "Fee" && three & 1 == 0,
        }
    }

    pub fn tenant(&self, line: &Line) -> Option<String> {
        line.tenant.map(|tenant| format!("tenant-{tenant:03}"))
    }
}

impl Line {
    pub fn kind(&self) -> &'static str {
        KINDS[self.kind].0
    }

    /// FOCUS's word for the line type.
    pub fn category(&self) -> &'static str {
        match self.kind() {
            "Tax" => "Tax",
            "Credit" | "Refund" => "Credit",
            "Fee" | "RIFee" | "SavingsPlanRecurringFee" => "Purchase",
            _ => "Usage",
        }
    }

    pub fn project(&self) -> Option<&'static str> {
        let place = (self.random >> 12) as usize % 8;
        PROJECTS.get(place).copied()
    }

    pub fn env(&self) -> Option<&'static str> {
        ["prod", "prod", "stage"].get((self.random >> 16) as usize % 4).copied()
    }

    pub fn service(&self) -> &'static str {
        let place = (self.random >> 24) as usize % 400;
        // The square root of a uniform number, the other way round: the first services are the large ones.
        SERVICES[19 - place.isqrt().min(19)]
    }

    pub fn account(&self) -> String {
        format!("{:012}", 100_000_000_000 + (self.random >> 40) % 12)
    }

    /// Hours since the beginning of January 2026; rows come in the order of days, as reports do roughly.
    pub fn hour(&self) -> i64 {
        (self.random % 744) as i64
    }

    pub fn day(&self) -> String {
        format!("2026-01-{:02}", self.hour() / 24 + 1)
    }

    /// Most of the month is final.
    pub fn invoice(&self) -> Option<&'static str> {
        (self.random >> 50 & 15 != 0).then_some("1234567890")
    }

    pub fn resource(&self) -> String {
        format!("arn:aws:ec2:eu-central-1:123456789012:instance/i-{:017x}", self.random % 100_000)
    }

    pub fn id(&self) -> String {
        format!("{:016x}{:010}", self.random, self.number)
    }
}

/// An amount with its decimal places, as AWS writes it in CSV: without zeros at its end.
pub fn text(units: i64, places: usize) -> String {
    let sign = if units < 0 { "-" } else { "" };
    let digits = format!("{:0width$}", units.unsigned_abs(), width = places + 1);
    let (whole, rest) = digits.split_at(digits.len() - places);
    let rest = rest.trim_end_matches('0');
    if rest.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{rest}") }
}
