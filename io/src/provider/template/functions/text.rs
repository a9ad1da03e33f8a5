//! Functions on text.
use super::{Function, Result, exactly, failure, fits, string, text_of};
use gotmpl::{Template, Value};

pub(super) const FUNCTIONS: &[(&str, Function)] = &[
    ("contains", |args| {
        let [part, text] = exactly("contains", args)?;
        Ok(Value::Bool(text_of(text).contains(&text_of(part))))
    }),
    ("env", |args| {
        let [name] = exactly("env", args)?;
        let name = text_of(name);
        // `var_os` would panic on none of these names, but they name nothing either.
        let usable = !name.is_empty() && !name.contains(['=', '\0']);
        let value = if usable { std::env::var_os(name) } else { None };
        Ok(string(value.unwrap_or_default().to_string_lossy()))
    }),
    ("hasPrefix", |args| {
        let [part, text] = exactly("hasPrefix", args)?;
        Ok(Value::Bool(text_of(text).starts_with(&text_of(part))))
    }),
    ("hasSuffix", |args| {
        let [part, text] = exactly("hasSuffix", args)?;
        Ok(Value::Bool(text_of(text).ends_with(&text_of(part))))
    }),
    ("indent", |args| {
        let [width, text] = exactly("indent", args)?;
        indent(width, text)
    }),
    ("nindent", |args| {
        let [width, text] = exactly("nindent", args)?;
        Ok(string(format!("\n{}", indent(width, text)?)))
    }),
    ("lower", |args| {
        let [text] = exactly("lower", args)?;
        Ok(string(text_of(text).to_lowercase()))
    }),
    ("normalize", |args| {
        let [text] = exactly("normalize", args)?;
        let text = text_of(text);
        let words: Vec<&str> =
            text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
        Ok(string(words.join("-")))
    }),
    ("nospace", |args| {
        let [text] = exactly("nospace", args)?;
        Ok(string(text_of(text).split_whitespace().collect::<String>()))
    }),
    ("printf", printf),
    ("quote", |args| quote(args, '"')),
    ("repeat", |args| {
        let [count, text] = exactly("repeat", args)?;
        let (count, text) = (super::numbers::whole(count)?, text_of(text));
        let count = usize::try_from(count).unwrap_or(0);
        fits(text.len().checked_mul(count))?;
        Ok(string(text.repeat(count)))
    }),
    ("replace", |args| {
        let [old, new, text] = exactly("replace", args)?;
        let (old, new, text) = (text_of(old), text_of(new), text_of(text));
        let found = text.matches(old.as_str()).count();
        fits(found.checked_mul(new.len()).and_then(|added| added.checked_add(text.len())))?;
        Ok(string(text.replace(&old, &new)))
    }),
    ("squote", |args| quote(args, '\'')),
    ("title", |args| {
        let [text] = exactly("title", args)?;
        Ok(string(title(&text_of(text))))
    }),
    ("toString", |args| {
        let [value] = exactly("toString", args)?;
        Ok(string(text_of(value)))
    }),
    ("trim", |args| {
        let [text] = exactly("trim", args)?;
        Ok(string(text_of(text).trim()))
    }),
    ("trimAll", |args| {
        let [set, text] = exactly("trimAll", args)?;
        let set = text_of(set);
        Ok(string(text_of(text).trim_matches(|c| set.contains(c))))
    }),
    ("trimPrefix", |args| {
        let [part, text] = exactly("trimPrefix", args)?;
        let text = text_of(text);
        Ok(string(text.strip_prefix(&text_of(part)).unwrap_or(&text)))
    }),
    ("trimSuffix", |args| {
        let [part, text] = exactly("trimSuffix", args)?;
        let text = text_of(text);
        Ok(string(text.strip_suffix(&text_of(part)).unwrap_or(&text)))
    }),
    ("trunc", |args| {
        let [count, text] = exactly("trunc", args)?;
        let count = usize::try_from(super::numbers::whole(count)?).unwrap_or(0);
        Ok(string(text_of(text).chars().take(count).collect::<String>()))
    }),
    ("upper", |args| {
        let [text] = exactly("upper", args)?;
        Ok(string(text_of(text).to_uppercase()))
    }),
];

/// Go's `printf`. Checked first, since `%[1]s` may take one long argument many times.
fn printf(args: &[Value]) -> Result {
    let Some(Value::String(format)) = args.first() else {
        return failure(String::from("printf takes a format and its arguments"));
    };
    let longest = args.iter().map(|arg| text_of(arg).len()).max().unwrap_or(0);
    let verbs = format.matches('%').count();
    fits(verbs.checked_mul(longest).and_then(|bytes| bytes.checked_add(format.len())))?;
    // The engine has no other door to its formatter than a template that calls it.
    let calls: String = (0..args.len()).map(|index| format!(" (index . {index})")).collect();
    let template = Template::new("").parse(&format!("{{{{printf{calls}}}}}"))?;
    Ok(string(template.execute_to_string(&Value::List(args.into()))?))
}

fn quote(args: &[Value], mark: char) -> Result {
    let mut quoted = Vec::new();
    for arg in args.iter().filter(|arg| !matches!(arg, Value::Nil)) {
        let text = text_of(arg);
        quoted.push(match mark {
            '"' => printf(&[string("%q"), string(text)])?.to_string(),
            other => format!("{other}{text}{other}"),
        });
    }
    Ok(string(quoted.join(" ")))
}

fn indent(width: &Value, text: &Value) -> Result {
    let (width, text) = (super::numbers::whole(width)?, text_of(text));
    let width = usize::try_from(width).unwrap_or(0);
    let lines = text.matches('\n').count() + 1;
    fits(lines.checked_mul(width).and_then(|added| added.checked_add(text.len())))?;
    let margin = " ".repeat(width);
    Ok(string(format!("{margin}{}", text.replace('\n', &format!("\n{margin}")))))
}

fn title(text: &str) -> String {
    let mut titled = String::with_capacity(text.len());
    let mut inside_word = false;
    for c in text.chars() {
        if inside_word {
            titled.push(c);
        } else {
            titled.extend(c.to_uppercase());
        }
        inside_word = c.is_alphanumeric() || c == '_' || c == '\'';
    }
    titled
}
