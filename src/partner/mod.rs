//! Partners: the voice providers whose wire we speak. One folder each; none knows another.

pub mod twilio;
