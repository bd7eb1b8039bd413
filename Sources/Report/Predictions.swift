// Predictions beside measurement. A model gets a run's parameters and conditions, never its results.

import Results

/// Joining models with a record.
enum Predictions {
  /// One prediction.
  struct Row {
    var series: String
    var phase: String
    var metric: String
    var predicted: Double
    var measured: Double?
    /// The formula's name and source.
    var model: String
    /// measured ÷ predicted.
    var ratio: Double? { measured.flatMap { predicted > 0 ? $0 / predicted : nil } }
  }

  /// A model's answer for one engine.
  private struct Model {
    var engine: String
    var metric: String
    var source: String
    var predict: @Sendable (RunRow) -> Double?
  }

  private static let models: [Model] = []

  /// Every prediction that applies, in the record's order.
  static func rows(_ digest: Digest) -> [Row] {
    digest.groups.flatMap { group -> [Row] in
      guard let run = group.rows.first else { return [] }
      return models.filter { $0.engine == group.engine }.compactMap { model -> Row? in
        guard let predicted = model.predict(run) else { return nil }
        return Row(
          series: group.series.name, phase: group.phase, metric: model.metric, predicted: predicted,
          measured: group.measurement(model.metric)?.median, model: model.source)
      }
    }
  }
}
