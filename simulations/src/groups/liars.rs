//! Members who do not keep to the rules.
