// A claim as a study writes it: decoding its YAML gives the same claim.

import Results

extension ClaimRequest {
  /// The claim's item in a study.
  var value: StudyValue {
    var entries: [StudyValue.Entry] = [
      .init("claim", .text(claim)), .init("sentence", .text(sentence)), .init("kind", .text(kind.rawValue)),
      .init("metric", .text(metric)),
    ]
    func add(_ key: String, _ text: String?) {
      if let text { entries.append(.init(key, .text(text))) }
    }
    func add(_ key: String, _ number: Double?) {
      if let number { entries.append(.init(key, .real(number))) }
    }
    add("per", per)
    add("phase", phase)
    entries.append(.init("series", .list(series.map(\.value))))
    add("over", over?.path)
    add("x_at_least", smallestX)
    add("x_at_most", largestX)
    add("x_scale", xTransform?.rawValue)
    add("y_scale", yTransform?.rawValue)
    add("direction", direction?.rawValue)
    add("at_least", bounds.atLeast)
    add("at_most", bounds.atMost)
    add("expected", bounds.expected)
    add("tolerance", bounds.tolerance)
    add("factor", bounds.factor)
    add("model", model)
    if let points { entries.append(.init("points", points.value)) }
    add("figure", figure)
    add("source", source)
    return .map(entries)
  }
}

extension SeriesSelector {
  /// The selector as a study writes it: a label, or a map.
  var value: StudyValue {
    if phase == nil && conditions.isEmpty { return .text(engine) }
    var entries: [StudyValue.Entry] = [.init("engine", .text(engine))]
    if !conditions.isEmpty {
      entries.append(.init("where", .map(conditions.map { .init($0.column.path, $0.spelledValue) })))
    }
    if let phase { entries.append(.init("phase", .text(phase))) }
    return .map(entries)
  }
}

extension SeriesSelector.Condition {
  /// The value with the type its spelling has, so that numbers are written without quotes.
  fileprivate var spelledValue: StudyValue {
    if let number = Int(value) { return .integer(number) }
    if let number = Double(value) { return .real(number) }
    return value == "true" || value == "false" ? .boolean(value == "true") : .text(value)
  }
}
