// The tail of what commits move: the columns of phases that write.

extension MetricEntries {
  /// What one commit moved.
  static let commits: [Metric] = {
    var entries: [Metric] = []
    for (quantity, unit, label, what) in [
      ("transfers", "transfers/commit", "Transfers per commit", "Read and write transfers of a commit"),
      (
        "transfer_bytes", "byte/commit", "Bytes moved per commit",
        "Bytes of the read and write transfers of a commit"
      ),
    ] {
      for (suffix, words) in [("p50", "half"), ("p99", "99 %"), ("p999", "99.9 %"), ("max", "all")] {
        entries.append(
          Metric(
            "\(quantity)_per_commit_\(suffix)", in: [.runs], .count, unit: unit, label: label,
            formula:
              "\(what): the smallest value that \(words) of the phase's commits do not exceed, to three digits. With batch_operations 1 a commit is an operation.",
            included: "Every cause; background work, charged to the commit that ran it.",
            excluded: "The checkpoint that ends a phase.", preference: .smallerIsBetter,
            source: "The guide, Reading a record, section \"What one insert moves\"."))
      }
    }
    return entries
  }()
}
