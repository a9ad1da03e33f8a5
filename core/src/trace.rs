//! Record and replay of an exchange: inputs, and the words that cells decided.
