"""What people add to the record: rules that look at the journal and return drafts."""
