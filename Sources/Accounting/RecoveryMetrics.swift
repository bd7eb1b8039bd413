// What coming back from a power cut costs: the columns a phase of kind `crash` fills.

extension MetricEntries {
  /// Recovery.
  static let recovery: [Metric] = {
    let section = "The guide, Writing a study, section \"Cutting the power\"."
    let window = "opening after the power cut, from the first read to the engine's being ready"
    return [
      Metric(
        "recovery_read_count", in: [.runs], .count, unit: "transfers", label: "Recovery reads",
        formula: "Read transfers of \(window).", excluded: "The check of what was recovered.",
        preference: .smallerIsBetter, source: section),
      Metric(
        "recovery_read_bytes", in: [.runs], .count, unit: "byte", label: "Recovery bytes read",
        formula: "Bytes of those transfers.", included: "Rounding to the transfer unit.",
        excluded: "The check of what was recovered.", preference: .smallerIsBetter, source: section),
      Metric(
        "recovery_write_bytes", in: [.runs], .count, unit: "byte", label: "Recovery bytes written",
        formula: "Bytes of the write transfers of \(window).", included: "Rounding to the transfer unit.",
        excluded: "The check of what was recovered.", preference: .smallerIsBetter, source: section),
      Metric(
        "recovery_device_s", in: [.runs], .real, unit: "s", label: "Recovery device time",
        formula: "Busy time of the virtual device in \(window), under the study's device profile.",
        excluded: "Processor time; waiting.", preference: .smallerIsBetter, source: section),
      Metric(
        "recovery_lost_operations", in: [.runs], .count, unit: "operations", label: "Operations lost",
        formula: "Operations of the phase that were acknowledged before the cut and are not there after it.",
        included: "Whole commits only: what is left is a committed prefix, or the run is void.",
        excluded: "Operations before the phase: it begins with a checkpoint.",
        preference: .smallerIsBetter, source: section),
    ]
  }()

  /// Recovery by the machine's clock.
  static let recoveryClock: [Metric] = [
    Metric(
      "recovery_wall_s", in: [.timing], .real, unit: "s", label: "Recovery wall time",
      formula: "Elapsed time of opening after the power cut, by the monotonic clock.",
      excluded: "The check of what was recovered.", preference: .smallerIsBetter,
      source: "The guide, Writing a study, section \"Cutting the power\".", isClockDependent: true)
  ]
}
