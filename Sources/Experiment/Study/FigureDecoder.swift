// `figures:` of a study: what the report draws.
//
//   - { figure: write_amplification, phase: load }
//   - figure: lines                          any metric along an axis
//     metric: ra_ios
//     axis: engines.sqlite.page_bytes        or: operations
//     phase: read
//     model: b_tree_get                      a cost model beside the measurement
//     points: [[4KiB, 1.2], [8KiB, 1.1]]     published points, with their source

import Accounting
import KeyValue
import Results

extension StudyDecoder {
  /// The keys of a figure.
  static let figureKeys = [
    "axis", "engines", "figure", "metric", "model", "name", "per", "phase", "phases", "points", "source",
    "title",
    "x_scale", "y_scale",
  ]

  /// The figures asked for.
  mutating func figures(_ root: SourceNode, scope: AxisScope, axes: [StudyAxis]) -> [FigureRequest] {
    guard let node = root["figures"], !node.isNull else { return [] }
    guard case .list(let items) = node.content else {
      problem(node.place, "figures", "is \(node.nameForMessage), a list is wanted")
      return []
    }
    let kinds = vocabulary.figures.map(\.name)
    var figures: [FigureRequest] = []
    for (index, item) in items.enumerated() {
      let path = "figures.\(index)"
      guard case .map(let entries) = item.content else {
        problem(
          item.place, path, "is \(item.nameForMessage), a map such as { figure: KIND } is wanted", kinds)
        continue
      }
      for entry in entries where !Self.figureKeys.contains(entry.key) {
        unknownKey(entry, path: "\(path).\(entry.key)", of: "a figure", allowed: Self.figureKeys)
      }
      guard let kindNode = item["figure"] else {
        missing("figure", at: item.place, path: "\(path).figure")
        continue
      }
      var figure = FigureRequest(figure: kindNode.text ?? "")
      if !kinds.contains(figure.figure) {
        let message = "is \(kindNode.nameForMessage), which is no kind of figure"
        problem(kindNode.place, "\(path).figure", message, kinds, nearestTo: figure.figure)
      }
      readPhases(item, path: path, scope.phases.map(\.name), into: &figure)
      checkTaken(item, path: path, kind: figure.figure)
      readAxis(item, path: path, scope: scope, axes: axes, into: &figure)
      readOverlays(item, path: path, labels: scope.engines.map(\.label), into: &figure)
      figure.title = text(item["title"], path: "\(path).title")
      if let node = item["name"] {
        figure.name = identifier(node, path: "\(path).name", allowsUnderscore: true)
      }
      figures.append(figure)
    }
    return figures
  }

  private mutating func readPhases(
    _ item: SourceNode, path: String, _ names: [String], into figure: inout FigureRequest
  ) {
    if let entry = item.entries.first(where: { $0.key == "phase" }) {
      if item["phases"] != nil {
        problem(entry.keyPlace, "\(path).phase", "stands beside 'phases'; keep one")
      }
      figure.phases += word(entry.value, path: "\(path).phase", names, what: "phase of this study")
    }
    guard let list = item["phases"] else { return }
    if list.items.isEmpty {
      problem(
        list.place, "\(path).phases", "is \(list.nameForMessage), a list of phases is wanted", names)
    }
    for phase in list.items {
      figure.phases += word(phase, path: "\(path).phases", names, what: "phase of this study")
    }
  }

  /// Keys that go with a metric or an axis of one's choice stand only at kinds that let one choose.
  private mutating func checkTaken(_ item: SourceNode, path: String, kind: String) {
    guard let taken = vocabulary.figures.first(where: { $0.name == kind }) else { return }
    let needs = [("metric", taken.takesMetric), ("axis", taken.takesAxis)]
    for (key, isTaken) in needs where isTaken && item[key] == nil {
      missing(key, at: item.place, path: "\(path).\(key)")
    }
    let keys =
      needs + [("engines", taken.takesEngines)]
      + ["model", "per", "points", "source", "x_scale", "y_scale"].map { ($0, taken.takesAxis) }
    for (key, isTaken) in keys where !isTaken {
      guard let entry = item.entries.first(where: { $0.key == key }) else { continue }
      problem(entry.keyPlace, "\(path).\(key)", "is not a key of a figure of kind '\(kind)'")
    }
  }

  private mutating func readAxis(
    _ item: SourceNode, path: String, scope: AxisScope, axes: [StudyAxis], into figure: inout FigureRequest
  ) {
    let isSampled = item["axis"]?.text == FigureRequest.operationsAxis
    if let node = item["metric"] {
      figure.metric = isSampled ? sampled(node, path: "\(path).metric") : metric(node, path: "\(path).metric")
    }
    if let node = item["per"] {
      figure.per = isSampled ? sampled(node, path: "\(path).per") : metric(node, path: "\(path).per")
    }
    if isSampled {
      figure.axis = ColumnPath(path: FigureRequest.operationsAxis, column: "operations")
    } else if let node = item["axis"] {
      figure.axis = axis(node, path: "\(path).axis", scope: scope, axes: axes)
    }
    figure.xTransform = scale(item, "x_scale", path: path)
    figure.yTransform = scale(item, "y_scale", path: path)
  }

  /// A scale an axis can be drawn with.
  private mutating func scale(_ item: SourceNode, _ key: String, path: String) -> AxisTransform? {
    guard let node = item[key] else { return nil }
    let words = [AxisTransform.linear, .log2, .log10].map(\.rawValue)
    return word(node, path: "\(path).\(key)", words, what: "scale of a drawn axis").first
      .flatMap { AxisTransform(rawValue: $0) }
  }

  private mutating func sampled(_ node: SourceNode, path: String) -> String? {
    word(node, path: path, vocabulary.sampledMetrics, what: "counter sampled over operations").first
  }

  private mutating func readOverlays(
    _ item: SourceNode, path: String, labels: [String], into figure: inout FigureRequest
  ) {
    if let node = item["engines"] {
      if node.items.isEmpty {
        problem(
          node.place, "\(path).engines", "is \(node.nameForMessage), a list of labels is wanted", labels)
      }
      let wanted = node.items.flatMap {
        word($0, path: "\(path).engines", labels, what: "engine of this study")
      }
      figure.engines = wanted
    }
    if let node = item["model"] {
      figure.model = word(node, path: "\(path).model", vocabulary.models, what: "cost model").first
    }
    if let node = item["points"] { figure.points = points(node, path: "\(path).points") }
    figure.source = text(item["source"], path: "\(path).source")
  }

  // MARK: Shared with claims

  /// A metric a row has a number for.
  mutating func metric(_ node: SourceNode, path: String) -> String? {
    if let id = node.text, vocabulary.isMetric(id) { return id }
    return word(node, path: path, vocabulary.metrics, what: "metric").first
  }

  /// An axis of the study, and the column its values are in.
  mutating func axis(
    _ node: SourceNode, path: String, scope: AxisScope, axes: [StudyAxis]
  ) -> ColumnPath? {
    guard let found = word(node, path: path, axes.map(\.path), what: "axis of this study").first else {
      return nil
    }
    return axes.first { $0.path == found }.map {
      ColumnPath(path: found, column: $0.target.column(scope.phases))
    }
  }

  /// `[[x, y], …]`.
  mutating func points(_ node: SourceNode, path: String) -> [PublishedPoint]? {
    let wanted = "a list of points such as [[4096, 1.2], [8192, 1.1]] is wanted"
    guard !node.items.isEmpty else {
      problem(node.place, path, "is \(node.nameForMessage), \(wanted)")
      return nil
    }
    var points: [PublishedPoint] = []
    for item in node.items {
      guard item.items.count == 2 else {
        problem(item.place, path, "has \(item.nameForMessage) that is no pair of numbers; \(wanted)")
        continue
      }
      guard let x = number(item.items[0], path: path), let y = number(item.items[1], path: path) else {
        continue
      }
      points.append(PublishedPoint(x: x, y: y))
    }
    return points
  }
}

extension AxisTarget {
  /// The column of `runs.csv` that holds the axis's value.
  func column(_ phases: [PhaseSpec]) -> String {
    switch self {
    case .memoryBudget: "memory_budget_bytes"
    case .workload("records"), .engineRecords: "records"
    case .workload(let name), .engineParameter(_, let name): "p_" + name
    case .commit(let name): name
    case .device(let name) where name.hasPrefix(StudyVocabulary.flashPrefix):
      // The run writes these columns itself, with sizes resolved.
      "p_flash_" + name.dropFirst(StudyVocabulary.flashPrefix.count)
    case .device(let name): "p_device_" + name
    case .engineOperations: "p_maximum_operations"
    case .phase(let index, let name):
      "p_phase_" + phases[index].name + "_" + String(name.map { $0 == "." ? "_" : $0 })
    }
  }
}

extension FigureRequest {
  /// The axis that is no axis of a study: operations since the phase began.
  static let operationsAxis = "operations"

  /// The figure's item in a study.
  var value: StudyValue {
    var entries: [StudyValue.Entry] = [.init("figure", .text(figure))]
    func add(_ key: String, _ text: String?) {
      if let text { entries.append(.init(key, .text(text))) }
    }
    if phases.count == 1 {
      entries.append(.init("phase", .text(phases[0])))
    } else if !phases.isEmpty {
      entries.append(.init("phases", .list(phases.map { .text($0) })))
    }
    add("metric", metric)
    add("per", per)
    add("axis", axis?.path)
    if let engines { entries.append(.init("engines", .list(engines.map { .text($0) }))) }
    add("x_scale", xTransform?.rawValue)
    add("y_scale", yTransform?.rawValue)
    add("model", model)
    if let points { entries.append(.init("points", points.value)) }
    add("source", source)
    add("title", title)
    add("name", name)
    return .map(entries)
  }
}

extension [PublishedPoint] {
  /// The points as a study writes them.
  var value: StudyValue { .list(map { .list([.real($0.x), .real($0.y)]) }) }
}
