//! The parameters of a request's form body ([RFC 6749] §3.2, Appendix B).
//!
//! The raw bytes are read here, so that a parameter sent twice is seen and refused (SEC-27).
//!
//! [RFC 6749]: https://www.rfc-editor.org/rfc/rfc6749

use std::collections::BTreeMap;

use crate::protocol::error::{ErrorCode, OAuthError};

/// The longest body that is read.
pub const LARGEST_BODY: usize = 64 * 1024;
/// The most parameters that one body may hold, repetitions included.
pub const MOST_PARAMETERS: usize = 100;
/// The media type of a form body.
pub const FORM: &str = "application/x-www-form-urlencoded";

/// One thing that is wrong with a form body.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParameterProblem {
    /// The body is longer than [`LARGEST_BODY`].
    #[error("the body is longer than {LARGEST_BODY} bytes")]
    BodyTooLarge,
    /// The content type is missing or another one.
    #[error("the content type is not `{FORM}`")]
    ContentType,
    /// There are more than [`MOST_PARAMETERS`].
    #[error("the body holds more than {MOST_PARAMETERS} parameters")]
    TooMany,
    /// A name or value is not percent-encoded UTF-8.
    #[error("parameter number {0} is not percent-encoded UTF-8")]
    Encoding(usize),
    /// A value has no name.
    #[error("parameter number {0} has no name")]
    Nameless(usize),
    /// A parameter is sent more than once.
    #[error("the parameter `{0}` is sent more than once")]
    Repeated(String),
    /// A parameter that is needed is missing, or sent without a value.
    #[error("the parameter `{0}` is missing")]
    Missing(&'static str),
}

/// Everything that is wrong with a form body; never empty.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", sentence(.0))]
pub struct InvalidParameters(pub Vec<ParameterProblem>);

fn sentence(problems: &[ParameterProblem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

impl From<ParameterProblem> for InvalidParameters {
    fn from(problem: ParameterProblem) -> Self {
        Self(vec![problem])
    }
}

impl From<InvalidParameters> for OAuthError {
    fn from(invalid: InvalidParameters) -> Self {
        let too_large = invalid.0.contains(&ParameterProblem::BodyTooLarge);
        let code = if too_large { ErrorCode::PayloadTooLarge } else { ErrorCode::InvalidRequest };
        Self::new(code, invalid.to_string())
    }
}

/// The parameters of one request. Values do not print: some are tokens and assertions.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Parameters(BTreeMap<String, Vec<String>>);

impl std::fmt::Debug for Parameters {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_set().entries(self.0.keys()).finish()
    }
}

impl Parameters {
    /// Reads a form body. Only the parameters named in `may_repeat` may be sent more than once.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with the body.
    pub fn parse(
        content_type: Option<&str>,
        body: &[u8],
        may_repeat: &[&str],
    ) -> Result<Self, InvalidParameters> {
        if body.len() > LARGEST_BODY {
            return Err(ParameterProblem::BodyTooLarge.into());
        }
        if !content_type.is_some_and(is_form) {
            return Err(ParameterProblem::ContentType.into());
        }
        let pairs = || body.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty());
        if pairs().nth(MOST_PARAMETERS).is_some() {
            return Err(ParameterProblem::TooMany.into());
        }
        let mut problems = Vec::new();
        let mut sent = BTreeMap::<String, Vec<String>>::new();
        for (pair, number) in pairs().zip(1_usize..) {
            match decode_pair(pair, number) {
                Ok((name, value)) => sent.entry(name).or_default().push(value),
                Err(problem) => problems.push(problem),
            }
        }
        for (name, values) in &sent {
            if values.len() > 1 && !may_repeat.contains(&name.as_str()) {
                problems.push(ParameterProblem::Repeated(shown(name)));
            }
        }
        if problems.is_empty() {
            Ok(Self::from_sent(sent))
        } else {
            Err(InvalidParameters(problems))
        }
    }

    /// RFC 6749 §3.1: a parameter sent without a value counts as omitted.
    fn from_sent(mut sent: BTreeMap<String, Vec<String>>) -> Self {
        sent.retain(|_, values| {
            values.retain(|value| !value.is_empty());
            !values.is_empty()
        });
        Self(sent)
    }

    /// The value of a parameter that may be sent once.
    #[must_use]
    pub fn one(&self, name: &str) -> Option<&str> {
        self.all(name).first().map(String::as_str)
    }

    /// Every value of a parameter that may be sent repeatedly.
    #[must_use]
    pub fn all(&self, name: &str) -> &[String] {
        self.0.get(name).map_or(&[], Vec::as_slice)
    }

    /// The value of a parameter that must be there.
    ///
    /// # Errors
    ///
    /// It is missing, or sent without a value.
    pub fn required(&self, name: &'static str) -> Result<&str, InvalidParameters> {
        self.one(name).ok_or_else(|| ParameterProblem::Missing(name).into())
    }
}

/// Whether a `Content-Type` names [`FORM`]; parameters such as `charset=UTF-8` are ignored.
fn is_form(content_type: &str) -> bool {
    let media_type = content_type.split(';').next().unwrap_or_default();
    media_type.trim().eq_ignore_ascii_case(FORM)
}

fn decode_pair(pair: &[u8], number: usize) -> Result<(String, String), ParameterProblem> {
    let mut halves = pair.splitn(2, |byte| *byte == b'=');
    let mut half =
        || decode(halves.next().unwrap_or_default()).ok_or(ParameterProblem::Encoding(number));
    let (name, value) = (half()?, half()?);
    if name.is_empty() {
        return Err(ParameterProblem::Nameless(number));
    }
    Ok((name, value))
}

/// Undoes the form encoding, strictly: `%` is followed by two hexadecimal digits, every other byte
/// is visible ASCII, and what comes out is UTF-8.
pub(crate) fn decode(encoded: &[u8]) -> Option<String> {
    // Tokens and assertions are long and encode nothing.
    if encoded.iter().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'+' | b'%')) {
        return std::str::from_utf8(encoded).ok().map(str::to_owned);
    }
    let mut decoded = Vec::with_capacity(encoded.len());
    let mut bytes = encoded.iter().copied();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || char::from(bytes.next()?).to_digit(16);
                let (high, low) = (digit()?, digit()?);
                u8::try_from(high.checked_mul(16)?.checked_add(low)?).ok()?
            }
            byte if byte.is_ascii_graphic() => byte,
            _ => return None,
        });
    }
    String::from_utf8(decoded).ok()
}

/// A stranger's parameter name, safe to show.
fn shown(name: &str) -> String {
    name.chars().take(40).flat_map(char::escape_default).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(body: &str) -> Result<Parameters, InvalidParameters> {
        Parameters::parse(Some(FORM), body.as_bytes(), &["resource"])
    }

    fn problems(body: &str) -> Vec<ParameterProblem> {
        parse(body).unwrap_err().0
    }

    #[test]
    fn names_and_values_are_form_decoded() {
        let parameters = parse("a=b+c%20d%2B&%67rant=%C3%A9&&x").unwrap();
        assert_eq!(parameters.one("a"), Some("b c d+"));
        assert_eq!(parameters.one("grant"), Some("\u{e9}"));
        assert_eq!(parameters.one("x"), None);
    }

    #[test]
    fn a_parameter_sent_without_a_value_counts_as_omitted() {
        assert_eq!(parse("scope=").unwrap().one("scope"), None);
        assert_eq!(
            parse("scope=").unwrap().required("scope"),
            Err(ParameterProblem::Missing("scope").into())
        );
    }

    #[test]
    fn a_repeated_parameter_is_refused_however_it_is_written() {
        for bad in ["scope=a&scope=a", "scope=a&%73cope=b", "scope=&scope=a", "scope&scope"] {
            assert_eq!(problems(bad), [ParameterProblem::Repeated("scope".to_owned())], "{bad}");
        }
        assert_eq!(parse("resource=a&resource=b").unwrap().all("resource"), ["a", "b"]);
    }

    #[test]
    fn every_problem_is_named() {
        assert_eq!(
            problems("a=%&=x&b=1&b=2&c=%ff"),
            [
                ParameterProblem::Encoding(1),
                ParameterProblem::Nameless(2),
                ParameterProblem::Encoding(5),
                ParameterProblem::Repeated("b".to_owned()),
            ]
        );
    }

    #[test]
    fn only_percent_encoded_utf8_is_read() {
        for bad in
            ["a=%", "a=%4", "a=%zz", "a=%+1", "a=%ff", "a=b c", "a=\u{e9}", "a=\u{0}", "%c3=a"]
        {
            assert_eq!(problems(bad), [ParameterProblem::Encoding(1)], "{bad:?}");
        }
        assert!(Parameters::parse(Some(FORM), b"a=\xff", &[]).is_err());
    }

    #[test]
    fn bodies_and_their_number_of_parameters_are_bounded() {
        let long = format!("a={}", "x".repeat(LARGEST_BODY));
        assert_eq!(problems(&long), [ParameterProblem::BodyTooLarge]);
        let code = OAuthError::from(parse(&long).unwrap_err()).code;
        assert_eq!(code, ErrorCode::PayloadTooLarge);
        let many = (0..=MOST_PARAMETERS).map(|n| format!("p{n}=1")).collect::<Vec<_>>().join("&");
        assert_eq!(problems(&many), [ParameterProblem::TooMany]);
    }

    #[test]
    fn another_content_type_is_refused() {
        for bad in [None, Some("application/json"), Some("application/x-www-form-urlencodedx")] {
            let refused = Parameters::parse(bad, b"a=b", &[]).unwrap_err();
            assert_eq!(refused, ParameterProblem::ContentType.into());
        }
        let with_charset = "Application/X-WWW-Form-Urlencoded; charset=UTF-8";
        assert!(Parameters::parse(Some(with_charset), b"a=b", &[]).is_ok());
    }

    #[test]
    fn values_do_not_print_and_names_print_without_control_characters() {
        let parameters = parse("token=very-secret").unwrap();
        assert_eq!(format!("{parameters:?}"), "{\"token\"}");
        let refused = parse("%1b%0a=1&%1b%0a=2").unwrap_err().to_string();
        assert!(refused.chars().all(|character| !character.is_control()), "{refused:?}");
    }
}
