import Testing

/// Tests that run whole programs. One at a time: each starts several processes, and waits for them with deadlines
/// that are meant for a machine that is busy with one such test, not with thirty.
@Suite(.serialized) struct IntegrationTests {}
