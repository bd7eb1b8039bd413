// The part of the JSON Schema that is about reports: figures and claims.

import Accounting
import Results

extension StudySchema {
  /// An item of `figures:`.
  static func figure(_ vocabulary: StudyVocabulary) -> StudyValue {
    let kinds = vocabulary.figures.map { kind in
      StudyValue.map([.init("const", .text(kind.name)), .init("description", .text(kind.summary))])
    }
    let scales = [AxisTransform.linear, .log2, .log10].map(\.rawValue)
    let metrics = metric(vocabulary, sampled: true)
    return object(
      [
        .init("figure", .map([.init("oneOf", .list(kinds))])),
        .init("phase", text("The one phase it shows.")),
        .init("phases", list(name, "The phases it shows.")),
        .init("metric", metrics("The metric it shows.")),
        .init("per", metrics("A metric to divide by, row by row.")),
        .init("axis", text("Along the horizontal: a key path among the study's axes, or operations.")),
        .init("engines", list(name, "The labels shown; all when left out.")),
        .init("x_scale", words(scales, "How the horizontal is drawn.")),
        .init("y_scale", words(scales, "How the vertical is drawn.")),
        .init("model", words(vocabulary.models, "The cost model drawn beside the measurement.")),
        .init("points", points("Published points drawn beside the measurement.")),
        .init("source", text("Where the published points come from.")),
        .init("title", text("Stands in for the kind's own title.")),
        .init("name", identifier("Stands in for the name of its files.", pattern: namePattern)),
      ], description: "A figure.", required: ["figure"])
  }

  /// An item of `claims:`.
  static func claim(_ vocabulary: StudyVocabulary) -> StudyValue {
    oneOf(ClaimKind.allCases.map { claim($0, vocabulary) })
  }

  private static func claim(_ kind: ClaimKind, _ vocabulary: StudyVocabulary) -> StudyValue {
    let scales = AxisTransform.allCases.map(\.rawValue)
    let metrics = metric(vocabulary, sampled: false)
    let properties: [StudyValue.Entry] = [
      .init("claim", identifier("The claim's id, unique.", pattern: namePattern)),
      .init("sentence", text("The sentence.")),
      .init("kind", .map([.init("const", .text(kind.rawValue))])),
      .init("metric", metrics("The metric it is about.")),
      .init("per", metrics("A metric to divide by, row by row.")),
      .init("phase", text("The phase it is about.")),
      .init("series", list(series, "The series it is about, in order.")),
      .init("figure", text("The file name of the figure it is about.")),
      .init("source", text("Paper, section, figure.")),
      .init("over", text("A key path among the study's axes.")),
      .init("x_at_least", number("Points with a smaller x do not count.")),
      .init("x_at_most", number("Points with a larger x do not count.")),
      .init("x_scale", words(scales, "How x is transformed before a line is laid.")),
      .init("y_scale", words(scales, "How y is transformed before a line is laid.")),
      .init("direction", words(ClaimDirection.allCases.map(\.rawValue), "Where the metric goes.")),
      .init("at_least", number("The lower bound, inclusive.")),
      .init("at_most", number("The upper bound, inclusive.")),
      .init("expected", number("What is expected, with a tolerance or a factor.")),
      .init("tolerance", number("A fraction of what is expected: 0.15 is ±15 %.")),
      .init("factor", number("At least 1: how many times more or less than expected.")),
      .init("model", words(vocabulary.models, "The cost model it is held against.")),
      .init("points", points("The published points it is held against.")),
    ]
    let keys = Set(StudyDecoder.keys(of: kind))
    return object(
      properties.filter { keys.contains($0.key) }, description: kind.summary,
      required: ["claim", "sentence", "kind", "metric", "series"] + (kind.needsAxis == true ? ["over"] : [])
        + (kind == .monotone ? ["direction"] : []))
  }

  private static var series: StudyValue {
    let values = StudyValue.map([
      .init("type", .text("object")),
      .init("description", .text("Parameters of the engine, or key paths, and the values they must have.")),
    ])
    let selector = object(
      [
        .init("engine", text("The engine's label.")), .init("where", values),
        .init("phase", text("The phase, where it is not the claim's.")),
      ], description: "A series by conditions.", required: ["engine"])
    return .map([.init("anyOf", .list([name, selector]))])
  }

  private static let name = StudyValue.map([.init("type", .text("string"))])

  private static func number(_ description: String) -> StudyValue {
    .map([
      .init("type", .list([.text("number"), .text("string")])), .init("description", .text(description)),
    ])
  }

  private static func points(_ description: String) -> StudyValue {
    let pair = StudyValue.map([
      .init("type", .text("array")), .init("items", number("x, then y.")), .init("minItems", .integer(2)),
      .init("maxItems", .integer(2)),
    ])
    return list(pair, description)
  }

  /// A metric by its id, or by the pattern of its family.
  private static func metric(
    _ vocabulary: StudyVocabulary, sampled: Bool
  ) -> (String) -> StudyValue {
    let known = vocabulary.metrics
    let ids = known + (sampled ? vocabulary.sampledMetrics.filter { !known.contains($0) } : [])
    let patterns = vocabulary.metricFamilies.map { "\($0.prefix).+\($0.suffix)" }
    return { description in
      guard !patterns.isEmpty else { return words(ids, description) }
      let choice = StudyValue.list([
        .map([.init("enum", .list(ids.map { .text($0) }))]),
        .map([.init("pattern", .text("^(\(patterns.joined(separator: "|")))$"))]),
      ])
      return .map([.init("anyOf", choice), .init("description", .text(description))])
    }
  }
}
