// `claims:` of a study: sentences the report checks.
//
//   - claim: page-size                       an id
//     sentence: Larger pages cost more writes.
//     kind: monotone                         what must be so: `ClaimKind`
//     metric: wa_total_end                   per: another metric, to divide by
//     phase: load
//     series: [sqlite]                       labels, or { engine: sqlite, where: { journal_mode: wal }, phase: load }
//     over: engines.sqlite.page_bytes        an axis of the study
//     direction: rising
//     source: "where the expectation comes from"
//
// Invariants
// 1. Each kind has its keys (`keys(of:)`); a key of another kind is a mistake that says so.
// 2. Names are resolved here: the manifest holds columns, so that the report needs no study.

import Accounting
import KeyValue
import Primitives
import Results

extension StudyDecoder {
  private static let commonKeys = [
    "claim", "sentence", "kind", "metric", "per", "phase", "series", "figure", "source",
  ]
  private static let boundKeys = ["at_least", "at_most", "expected", "tolerance", "factor"]
  private static let axisKeys = ["over", "x_at_least", "x_at_most"]

  /// The keys of a claim of `kind`.
  static func keys(of kind: ClaimKind) -> [String] {
    let own: [String] =
      switch kind {
      case .value, .ratio: boundKeys
      case .order: ["at_least"]
      case .monotone: axisKeys + ["direction", "tolerance"]
      case .slope: axisKeys + boundKeys + ["x_scale", "y_scale"]
      case .fit: axisKeys + ["at_least", "at_most", "x_scale", "y_scale"]
      case .crossover: axisKeys + boundKeys + ["x_scale"]
      case .minimumAt: axisKeys + boundKeys
      case .withinFactor: axisKeys + ["at_least", "at_most", "tolerance", "factor", "model", "points"]
      }
    return (commonKeys + own).sorted()
  }

  /// The claims made.
  mutating func claims(
    _ root: SourceNode, scope: AxisScope, axes: [StudyAxis], figures: [FigureRequest]
  ) -> [ClaimRequest] {
    guard let node = root["claims"], !node.isNull else { return [] }
    guard case .list(let items) = node.content else {
      problem(node.place, "claims", "is \(node.nameForMessage), a list is wanted")
      return []
    }
    var claims: [ClaimRequest] = []
    var places: [String: SourcePlace] = [:]
    for (index, item) in items.enumerated() {
      let path = "claims.\(index)"
      guard case .map = item.content else {
        problem(
          item.place, path, "is \(item.nameForMessage), a map of keys is wanted", Self.commonKeys.sorted())
        continue
      }
      let before = problems.count
      guard var claim = head(item, path: path, places: &places) else { continue }
      readSeries(item, path: path, scope: scope, into: &claim)
      readExpectation(item, path: path, into: &claim)
      readClaimAxis(item, path: path, scope: scope, axes: axes, into: &claim)
      if let node = item["figure"] {
        claim.figure =
          word(node, path: "\(path).figure", figures.map(\.fileName), what: "figure of this study").first
      }
      claim.source = text(item["source"], path: "\(path).source")
      if problems.count == before { checkWhole(item, path: path, claim) }
      claims.append(claim)
    }
    return claims
  }

  /// Id, sentence, kind, metric, phase; nil when the kind is not known, for then nothing else can be.
  private mutating func head(
    _ item: SourceNode, path: String, places: inout [String: SourcePlace]
  ) -> ClaimRequest? {
    var id = ""
    if let node = item["claim"] {
      id = identifier(node, path: "\(path).claim", allowsUnderscore: true) ?? ""
      if let first = places[id], !id.isEmpty {
        problem(
          node.place, "\(path).claim",
          "is '\(id)', as in line \(first.line); every claim has an id of its own")
      }
      places[id] = places[id] ?? node.place
    } else {
      missing("claim", at: item.place, path: "\(path).claim")
    }
    if item["sentence"] == nil { missing("sentence", at: item.place, path: "\(path).sentence") }
    let sentence = text(item["sentence"], path: "\(path).sentence") ?? ""
    guard let kindNode = item["kind"] else {
      missing("kind", at: item.place, path: "\(path).kind")
      return nil
    }
    let kinds = ClaimKind.allCases.map(\.rawValue)
    guard let kind = kindNode.text.flatMap({ ClaimKind(rawValue: $0) }) else {
      let message = "is \(kindNode.nameForMessage), which is no kind of claim"
      problem(kindNode.place, "\(path).kind", message, kinds, nearestTo: kindNode.text ?? "")
      return nil
    }
    let keys = Self.keys(of: kind)
    for entry in item.entries where !keys.contains(entry.key) {
      unknownKey(entry, path: "\(path).\(entry.key)", of: "a claim of kind '\(kind.rawValue)'", allowed: keys)
    }
    var claim = ClaimRequest(claim: id, sentence: sentence, kind: kind, metric: "", series: [])
    if let node = item["metric"] {
      claim.metric = metric(node, path: "\(path).metric") ?? ""
    } else {
      missing("metric", at: item.place, path: "\(path).metric")
    }
    claim.per = item["per"].flatMap { metric($0, path: "\(path).per") }
    return claim
  }

  // MARK: Series

  private mutating func readSeries(
    _ item: SourceNode, path: String, scope: AxisScope, into claim: inout ClaimRequest
  ) {
    let names = scope.phases.map(\.name)
    claim.phase = item["phase"].flatMap {
      word($0, path: "\(path).phase", names, what: "phase of this study").first
    }
    guard let node = item["series"] else {
      missing("series", at: item.place, path: "\(path).series")
      return
    }
    let labels = scope.engines.map(\.label)
    guard case .list(let items) = node.content, !items.isEmpty else {
      problem(
        node.place, "\(path).series",
        "is \(node.nameForMessage), a list of labels or of { engine: LABEL, where: { PARAMETER: VALUE } } is wanted",
        labels)
      return
    }
    let count = claim.kind.seriesCount
    if !count.contains(items.count) {
      let wanted =
        count.lowerBound == count.upperBound ? "\(count.lowerBound)" : "at least \(count.lowerBound)"
      problem(
        node.place, "\(path).series", "has \(items.count) series, a \(claim.kind.rawValue) takes \(wanted)")
    }
    for (index, item) in items.enumerated() {
      if let selector = selector(item, path: "\(path).series.\(index)", scope: scope) {
        claim.series.append(selector)
      }
    }
    if claim.phase == nil, item["phase"] == nil, claim.series.contains(where: { $0.phase == nil }) {
      problem(item.place, "\(path).phase", "is missing, and not every series names a phase of its own", names)
    }
  }

  private mutating func selector(_ node: SourceNode, path: String, scope: AxisScope) -> SeriesSelector? {
    let labels = scope.engines.map(\.label)
    guard case .map(let entries) = node.content else {
      return word(node, path: path, labels, what: "engine of this study").first.map {
        SeriesSelector(engine: $0)
      }
    }
    let keys = ["engine", "phase", "where"]
    for entry in entries where !keys.contains(entry.key) {
      unknownKey(entry, path: "\(path).\(entry.key)", of: "a series", allowed: keys)
    }
    guard let engineNode = node["engine"] else {
      missing("engine", at: node.place, path: "\(path).engine")
      return nil
    }
    guard let label = word(engineNode, path: "\(path).engine", labels, what: "engine of this study").first
    else {
      return nil
    }
    var selector = SeriesSelector(engine: label)
    selector.phase = node["phase"].flatMap {
      word($0, path: "\(path).phase", scope.phases.map(\.name), what: "phase of this study").first
    }
    guard let conditions = node["where"] else { return selector }
    guard case .map(let wanted) = conditions.content else {
      problem(
        conditions.place, "\(path).where",
        "is \(conditions.nameForMessage), a map from key to value is wanted")
      return selector
    }
    for entry in wanted {
      // A bare key is a parameter of the engine.
      let key =
        entry.key.contains(".") || entry.key == "memory_budget" ? entry.key : "engines.\(label).\(entry.key)"
      let conditionPath = "\(path).where.\(entry.key)"
      switch scope.resolve(key) {
      case .failure(let fault):
        problem(entry.keyPlace, conditionPath, fault.message, fault.allowed, nearestTo: fault.nearestTo)
      case .success(let found):
        let value: ParameterValue?
        switch found.field {
        case .budget: value = budgetValue(entry.value, path: conditionPath)
        case .flashCapacity: value = flashCapacity(entry.value, path: conditionPath)
        case .parameter(let descriptor): value = parameter(entry.value, descriptor, path: conditionPath)
        }
        guard let value else { continue }
        selector.conditions.append(
          SeriesSelector.Condition(
            column: ColumnPath(path: entry.key, column: found.target.column(scope.phases)),
            value: value.description))
      }
    }
    return selector
  }

  // MARK: Expectations

  private mutating func readExpectation(_ item: SourceNode, path: String, into claim: inout ClaimRequest) {
    func read(_ key: String) -> Double? {
      guard let node = item[key] else { return nil }
      return number(node, path: "\(path).\(key)")
    }
    claim.bounds = ClaimBounds(
      atLeast: read("at_least"), atMost: read("at_most"), expected: read("expected"),
      tolerance: read("tolerance"),
      factor: read("factor"))
    claim.smallestX = read("x_at_least")
    claim.largestX = read("x_at_most")
    if let node = item["direction"] {
      let words = ClaimDirection.allCases.map(\.rawValue)
      claim.direction = word(node, path: "\(path).direction", words, what: "direction").first
        .flatMap { ClaimDirection(rawValue: $0) }
    }
    claim.xTransform = transform(item, "x_scale", path: path)
    claim.yTransform = transform(item, "y_scale", path: path)
    if let node = item["model"] {
      claim.model = word(node, path: "\(path).model", vocabulary.models, what: "cost model").first
    }
    if let node = item["points"] { claim.points = points(node, path: "\(path).points") }
  }

  private mutating func transform(_ item: SourceNode, _ key: String, path: String) -> AxisTransform? {
    guard let node = item[key] else { return nil }
    return word(node, path: "\(path).\(key)", AxisTransform.allCases.map(\.rawValue), what: "scale").first
      .flatMap { AxisTransform(rawValue: $0) }
  }

  private mutating func readClaimAxis(
    _ item: SourceNode, path: String, scope: AxisScope, axes: [StudyAxis], into claim: inout ClaimRequest
  ) {
    if let node = item["over"] {
      claim.over = axis(node, path: "\(path).over", scope: scope, axes: axes)
    } else if claim.kind.needsAxis == true {
      problem(
        item.place, "\(path).over", "is missing: a \(claim.kind.rawValue) looks along an axis",
        axes.map(\.path))
    }
  }

  /// What several keys say together.
  private mutating func checkWhole(_ item: SourceNode, path: String, _ claim: ClaimRequest) {
    let bounds = claim.bounds
    func at(_ key: String) -> SourcePlace { item[key]?.place ?? item.place }
    func fault(_ key: String, _ message: String) { problem(at(key), "\(path).\(key)", message) }
    if let low = bounds.atLeast, let high = bounds.atMost, low > high {
      fault("at_most", "is \(high), which is less than at_least, \(low)")
    }
    if let low = claim.smallestX, let high = claim.largestX, low > high {
      fault("x_at_most", "is \(high), which is less than x_at_least, \(low)")
    }
    if let tolerance = bounds.tolerance, tolerance < 0 {
      fault("tolerance", "is \(tolerance), 0 or more is wanted")
    }
    if let factor = bounds.factor, factor < 1 { fault("factor", "is \(factor), 1 or more is wanted") }
    if bounds.tolerance != nil, bounds.factor != nil {
      fault("factor", "stands beside 'tolerance'; keep one")
    }
    let hasBound = bounds.atLeast != nil || bounds.atMost != nil
    let isNear = bounds.tolerance != nil || bounds.factor != nil
    switch claim.kind {
    case .monotone:
      if claim.direction == nil {
        problem(
          item.place, "\(path).direction", "is missing", ClaimDirection.allCases.map(\.rawValue))
      }
    case .order: break
    case .withinFactor:
      if (claim.model == nil) == (claim.points == nil) {
        problem(item.place, "\(path).model", "or 'points' is needed, and only one of them")
      }
      if !hasBound && !isNear {
        problem(item.place, "\(path).factor", "is missing, or 'tolerance', or 'at_least'")
      }
      if claim.points != nil && claim.over == nil {
        fault("points", "have an x, and the claim names no axis with 'over'")
      }
    default:
      if bounds.expected == nil && !hasBound && !isNear {
        problem(
          item.place, "\(path).at_least", "is missing, or 'at_most', or 'expected': a claim has a bound")
      }
      // A ratio is expected to be 1 where nothing else is said.
      if (bounds.expected != nil) != isNear && !(claim.kind == .ratio && isNear) {
        fault(
          bounds.expected == nil ? (bounds.factor == nil ? "tolerance" : "factor") : "expected",
          "needs 'expected' with a 'tolerance' or a 'factor' beside it")
      }
    }
  }

  /// A number, a size such as 64KiB, or `ln(512)`.
  mutating func number(_ node: SourceNode, path: String) -> Double? {
    let wanted = "a number such as 1.5, a size such as 64KiB, or ln(512) is wanted"
    guard let text = node.text, !node.isNull else {
      problem(node.place, path, "is \(node.nameForMessage), \(wanted)")
      return nil
    }
    if text.hasPrefix("ln("), text.hasSuffix(")"),
      let inner = Self.plainNumber(String(text.dropFirst(3).dropLast())), inner > 0
    {
      return DeterministicMath.ln(inner)
    }
    if let value = Self.plainNumber(text) { return value }
    problem(node.place, path, "is \(node.nameForMessage), \(wanted)")
    return nil
  }

  private static func plainNumber(_ text: String) -> Double? {
    do {
      return try Quantity.parseReal(text)
    } catch {
      // What is no number may be a size; the caller says what is wanted when it is neither.
      return (try? Quantity.parseByteCount(text)).map { Double($0) }
    }
  }
}
