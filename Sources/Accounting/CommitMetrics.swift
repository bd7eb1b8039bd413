// The tail of what commits move, and how often leaves are written: the columns of phases that write.

extension MetricEntries {
  /// What one commit moved.
  static let commits: [Metric] = {
    var entries = [
      Metric(
        "leaf_write_count", in: [.runs], .count, unit: "writes", label: "Leaves written",
        formula: "Requested writes of the cause leaf: a leaf cut into parts is one, by its head.",
        included: "Background work and the checkpoint that ends the phase.",
        excluded: "The parts of leaves that are cut (cause basement); copies in logs and journals.",
        preference: .smallerIsBetter, source: "Metric definitions, section \"Write amplification\".")
    ]
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
