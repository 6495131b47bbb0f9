use proptest::prelude::*;
use serde_json::json;

use super::*;

/// RFC 7515, appendix A.2: the public key's modulus and the signed token.
const RFC_MODULUS: &str = concat!(
    "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yR",
    "T-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXB",
    "dQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9ia",
    "GNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ",
);
const RFC_TOKEN: &str = concat!(
    "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19",
    "yb290Ijp0cnVlfQ.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt",
    "_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb",
    "1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI",
    "8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw",
);

/// Of a key that was made for this test and thrown away.
const MODULUS: &str = concat!(
    "h2qvI99F4ViYHY0k_VBiYFj1v3aRRbjvovHSpNdlVKaH5PzY-avGhG8Dgyg46LmA1_tRofauNhw_mvF5-U8IX01LdYmU91UuDL_0",
    "GOq53StjTT1G6yLkTSOBmzFkCKfKJf-PCIe-kVAu0BCaOjCrVLFrjI1ow8ukJFD8zqnpsM2eLOHlyQVFf_ikIA6FXN8-qnJEKz8r",
    "MHnvED21EgQFIV_A01E-b1mhTCClcPZcStBas4pIWPIP5PBlnXk9Gnfz2XZdYKAN1xA3xpsTJEAAE0eOjjGbyWpAUDjJxWuRCobz",
    "8mdpNf_vn1klU7Bsje5yKkHtj2iPFLeuqBAKO6zkww",
);
/// `{"sub":"u1","cognito:groups":["t:acme:viewer"],"iss":ISSUER,"client_id":"c1","token_use":"access","exp":4000000000}`
const ACCESS: &str = concat!(
    "eyJraWQiOiAiazEiLCAiYWxnIjogIlJTMjU2In0.eyJzdWIiOiAidTEiLCAiY29nbml0bzpncm91cHMiOiBbInQ6YWNtZTp2aWV3",
    "ZXIiXSwgImlzcyI6ICJodHRwczovL2NvZ25pdG8taWRwLnVzLWVhc3QtMS5hbWF6b25hd3MuY29tL3VzLWVhc3QtMV9BYkNkRWZH",
    "aEkiLCAiY2xpZW50X2lkIjogImMxIiwgInRva2VuX3VzZSI6ICJhY2Nlc3MiLCAiZXhwIjogNDAwMDAwMDAwMH0.TzXj87t5ZpLt",
    "fxT8bDly2Y_h4XvzM-z4zXXCtMNAY4mJSISswPtqFYC6efrghdyZ4blnzkIV7F_Cvp5x2IScNouUCKbY0rPUYTo9GHo6pcTcG-zt",
    "Da5CO2Fd82tWoWVpiE6OtSokv2WIdtTHRVT7jsBUREhfMHehhmDn3IRFM8uEsOfTs-TzhwVkteYkCeDJ6iJzO3JvXF-TIVtmxECs",
    "ienmIzoiLnw1h1HATly9of74sR2AFFRdTOxt7LvWFPI2rZy3PQUNEhu7yqOXoqzFYBoOX-AD7vkGMlydLxzATUgY5G_tjq_SOTSW",
    "WRfRreISTBrqbvE8Ytq_g0841DjGNA",
);
/// The same as an id token, with `aud` in the place of `client_id` and an e-mail.
const ID: &str = concat!(
    "eyJraWQiOiAiazEiLCAiYWxnIjogIlJTMjU2In0.eyJzdWIiOiAidTEiLCAiY29nbml0bzpncm91cHMiOiBbInQ6YWNtZTp2aWV3",
    "ZXIiXSwgImlzcyI6ICJodHRwczovL2NvZ25pdG8taWRwLnVzLWVhc3QtMS5hbWF6b25hd3MuY29tL3VzLWVhc3QtMV9BYkNkRWZH",
    "aEkiLCAiYXVkIjogImMxIiwgInRva2VuX3VzZSI6ICJpZCIsICJleHAiOiA0MDAwMDAwMDAwLCAiZW1haWwiOiAiYUBiLmV4YW1w",
    "bGUifQ.UXIezo_nZtxDYWQiQnVJD7hIdYvtF2xJHk450ZdEQmaTjshewWAmWWwh3TYAsdAd445H8OjXQr064sB-S6k7hOzvxAXxS",
    "XcLjbdl0_EMBjHfsUXzR9X01eNgCgwWNlgrqZREAr19NBaLdWYAHIzCZ6oPi14TqrESYa4I6EyZEpkd16Utah9Ljl3ZiUvtELePB",
    "qfRiHYCasfklC91rKpAgkO5BbiSzw1mRVty5PsYDsGSuU6EPKo9LV756QuVqT53oe5iZm2BaC2ctUQtvmeEU4T2UEzdrVDcYMCd2",
    "ZZL5M5xk1FSMig-VrjX1rMGFYSBrnHOsN8hAahaGWGZ5BWG8w",
);

const ISSUER: &str = "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_AbCdEfGhI";
const EXPIRES_AT_S: i64 = 4_000_000_000;

fn key_set(kid: &str, modulus: &str) -> KeySet {
    let set = json!({"keys": [
        {"kid": "other", "kty": "RSA", "alg": "RS256", "use": "sig", "n": RFC_MODULUS, "e": "AQAB"},
        {"kid": kid, "kty": "RSA", "alg": "RS256", "use": "sig", "n": modulus, "e": "AQAB"},
    ]});
    serde_json::from_value(set).expect("a key set")
}

fn keys() -> KeySet {
    key_set("k1", MODULUS)
}

fn expected(token_use: TokenUse) -> Expected {
    Expected { issuer: ISSUER.to_owned(), client: "c1".to_owned(), token_use }
}

fn access(token: &str) -> Result<Claims, JwtError> {
    verify(token, &keys(), &expected(TokenUse::Access), EXPIRES_AT_S - 1)
}

/// A token with this header over the payload and signature of a genuine one.
fn with_header(header: &str) -> String {
    let rest = ACCESS.split_once('.').expect("parts").1;
    format!("{}.{rest}", URL_SAFE_NO_PAD.encode(header))
}

#[test]
fn the_vector_of_the_rfc_holds() {
    let payload = verify_signature(RFC_TOKEN, &key_set("", RFC_MODULUS)).expect("a signature that holds");
    let payload: serde_json::Value = serde_json::from_slice(&payload).expect("JSON");
    assert_eq!(payload["iss"], "joe");
}

#[test]
fn a_genuine_token_gives_its_claims_until_it_expires() {
    let claims = access(ACCESS).expect("claims");
    assert_eq!((claims.sub.as_str(), claims.groups), ("u1", vec!["t:acme:viewer".to_owned()]));
    assert!(verify(ID, &keys(), &expected(TokenUse::Id), 0).is_ok());
    let late = verify(ACCESS, &keys(), &expected(TokenUse::Access), EXPIRES_AT_S);
    assert_eq!(late, Err(JwtError::Expired));
}

#[test]
fn a_token_for_something_else_is_refused() {
    assert_eq!(access(ID), Err(JwtError::WrongAudience("token_use")));
    let elsewhere = Expected { client: "c2".to_owned(), ..expected(TokenUse::Access) };
    assert_eq!(verify(ACCESS, &keys(), &elsewhere, 0), Err(JwtError::WrongAudience("client")));
    let pool = Expected { issuer: format!("{ISSUER}2"), ..expected(TokenUse::Access) };
    assert_eq!(verify(ACCESS, &keys(), &pool, 0), Err(JwtError::WrongAudience("issuer")));
}

#[test]
fn another_algorithm_proves_nothing() {
    for alg in ["none", "HS256", "RS512", "rs256"] {
        let token = with_header(&format!(r#"{{"alg":"{alg}","kid":"k1"}}"#));
        assert_eq!(access(&token), Err(JwtError::WrongAlgorithm), "{alg}");
    }
    let unsigned = format!("{}.", with_header(r#"{"alg":"none"}"#).rsplit_once('.').expect("parts").0);
    assert_eq!(access(&unsigned), Err(JwtError::WrongAlgorithm));
}

#[test]
fn another_key_is_refused() {
    let rotated = key_set("k2", MODULUS);
    assert_eq!(verify(ACCESS, &rotated, &expected(TokenUse::Access), 0), Err(JwtError::UnknownKey));
    let exchanged = key_set("k1", RFC_MODULUS);
    assert_eq!(verify(ACCESS, &exchanged, &expected(TokenUse::Access), 0), Err(JwtError::WrongSignature));
    assert_eq!(access(&with_header(r#"{"alg":"RS256","kid":"other"}"#)), Err(JwtError::WrongSignature));
}

#[test]
fn what_is_no_token_is_malformed() {
    for bad in ["", ".", "..", "a.b.c", "é.é.é", &"a".repeat(10_000)] {
        assert_eq!(access(bad), Err(JwtError::Malformed), "{bad}");
    }
}

proptest! {
    #[test]
    fn any_altered_character_is_refused(at in any::<prop::sample::Index>(), to in "[A-Za-z0-9_.-]") {
        let at = at.index(ACCESS.len());
        prop_assume!(ACCESS[at..=at] != to);
        // The last character of base64 carries bits that decode to nothing.
        prop_assume!(at + 1 < ACCESS.len());
        let altered = format!("{}{to}{}", &ACCESS[..at], &ACCESS[at + 1..]);
        prop_assert!(access(&altered).is_err(), "{altered}");
    }

    #[test]
    fn random_text_never_panics(text in ".{0,120}") {
        prop_assert!(access(&text).is_err());
    }
}
