// How much this machine's clock differs from itself: the same engine twice in one small study, in turns (A A' A A' …),
// compared as any two engines are.
//
// What is smaller than the ratio printed here is not told from chance on this machine, at this hour.

import Experiment
import Foundation
import Report
import Results

/// Measures the noise floor.
struct NoiseFloor {
  /// One time of one engine in one phase, twice.
  struct Line: Encodable {
    var engine: String
    var phase: String
    var metric: String
    var first: Double
    var second: Double
    /// Second ÷ first, which would be 1 on a quiet machine.
    var ratio: Double
    var ratioLower: Double
    var ratioUpper: Double
    /// The largest of what one side differs by from itself and the ends of the interval.
    var smallestDetectableRatio: Double

    enum CodingKeys: String, CodingKey {
      case engine, phase, metric, first, second, ratio
      case ratioLower = "ratio_lower"
      case ratioUpper = "ratio_upper"
      case smallestDetectableRatio = "smallest_detectable_ratio"
    }
  }

  var lines: [Line]
  var repeats: Int

  /// Repeats when none are asked for.
  static let defaultRepeats = 7
  /// The metrics looked at.
  static let metrics = ["wall_s", "ops_per_s", "cpu_us_per_operation"]

  /// Runs the study; about two seconds.
  ///
  /// - Parameter repeats: of each side, at least 3.
  static func measure(repeats: Int = defaultRepeats) throws -> NoiseFloor {
    precondition(repeats >= 3, "An interval needs at least three repeats.")
    let study = try Study.decode(text(repeats: repeats), file: "noise.yaml", vocabulary: .standard)
    let record = try StudyRunner(plan: try Plan(study, vocabulary: .standard)).run()
    var lines: [Line] = []
    for engine in ["null", "sqlite"] {
      let comparison = Comparison(record, engines: (engine + "-a", engine + "-b"), metrics: metrics)
      for line in comparison.lines {
        guard let ratio = line.ratio, let lower = line.ratioLower, let upper = line.ratioUpper, lower > 0
        else {
          continue
        }
        let smallest = max(line.smallestDetectableRatio ?? 1, upper, 1 / lower)
        lines.append(
          Line(
            engine: engine, phase: line.phase, metric: line.metric, first: line.firstMedian,
            second: line.secondMedian, ratio: ratio, ratioLower: lower, ratioUpper: upper,
            smallestDetectableRatio: smallest))
      }
    }
    return NoiseFloor(lines: lines, repeats: repeats)
  }

  private static func text(repeats: Int) -> String {
    """
    schema: 1
    study: noise-floor
    seed: 1
    repeats: \(repeats)
    memory_budget: 8MiB
    device: { kind: memory, capacity: 64MiB }
    workload: { records: 10_000, key_bytes: 16, value_bytes: 100 }
    commit: { batch_operations: 1_000, sync_every_commits: 0 }
    engines:
      - { engine: "null", label: null-a, records: 250_000 }
      - { engine: "null", label: null-b, records: 250_000 }
      - { engine: sqlite, label: sqlite-a, maximum_operations: 10_000 }
      - { engine: sqlite, label: sqlite-b, maximum_operations: 10_000 }
    phases:
      - { phase: load, order: random }
      - { phase: read, operations: 500_000, distribution: uniform }
    """
  }

  /// A table and a sentence.
  var text: String {
    var table = TextTable(
      columns: ["engine", "phase", "metric"].map { TextTable.Column(name: $0, isNumeric: false) }
        + ["ratio", "lower", "upper", "smallest detectable"].map {
          TextTable.Column(name: $0, isNumeric: true)
        })
    func spelled(_ value: Double) -> String { String(format: "%.3f", value) }
    for line in lines {
      table.rows.append(
        [line.engine, line.phase, line.metric] + [
          spelled(line.ratio), spelled(line.ratioLower), spelled(line.ratioUpper),
          spelled(line.smallestDetectableRatio),
        ])
    }
    let worst = lines.map(\.smallestDetectableRatio).max() ?? 1
    return
      "the same engine against itself, \(repeats) repeats of each in turns; ratio of medians, 95 % interval\n\n"
      + table.text
      + "\nOn this machine, now, times that differ by less than a factor of \(String(format: "%.2f", worst)) cannot be told "
      + "apart;\nbelow 1.5 no difference of times is called one anyway.\n"
  }
}
