// A claim as a study makes it: a sentence, and what of the record would have to be so for it to hold.
//
//   study.yaml ──decoder──▶ ClaimRequest ──manifest.json──▶ evaluation from the record's rows ──▶ claims.csv
//
// Key paths of the study (`engines.sqlite.page_bytes`) are resolved to columns of `runs.csv` before they come here, so
// that who evaluates a claim needs nothing but the record.

import Accounting

/// What kind of sentence a claim is.
public enum ClaimKind: String, CaseIterable, Codable, Sendable {
  /// A number lies within bounds.
  case value
  /// One series ÷ another lies within bounds.
  case ratio
  /// Series in rising order.
  case order
  /// A number rises, falls or stays flat along an axis.
  case monotone
  /// The slope of a least-squares line lies within bounds.
  case slope
  /// A least-squares line explains the points.
  case fit
  /// Two series cross at an x within bounds.
  case crossover
  /// The smallest number stands at an x within bounds.
  case minimumAt = "minimum_at"
  /// Every point lies near a model's or a publication's.
  case withinFactor = "within_factor"

  /// One sentence.
  public var summary: String {
    switch self {
    case .value: "The metric lies within the bounds, for every series named."
    case .ratio: "The first series ÷ the second lies within the bounds."
    case .order: "The series stand in rising order; `at_least` is the factor between neighbours."
    case .monotone: "The metric is rising, falling or flat along `over`, within `tolerance`."
    case .slope: "The slope of the least-squares line over `over` lies within the bounds."
    case .fit:
      "The share of variance (R²) that the least-squares line over `over` explains lies within the bounds."
    case .crossover: "The x at which the two series cross lies within the bounds."
    case .minimumAt: "The x at which the metric is smallest lies within the bounds."
    case .withinFactor: "Every point ÷ the model's or the published one lies within the bounds."
    }
  }

  /// How many series it takes.
  public var seriesCount: ClosedRange<Int> {
    switch self {
    case .ratio, .crossover: 2...2
    case .order: 2...64
    default: 1...64
    }
  }

  /// Whether it looks along an axis; nil where it may.
  public var needsAxis: Bool? {
    switch self {
    case .value, .ratio, .order: false
    case .withinFactor: nil
    default: true
    }
  }
}

/// Where a monotone claim says a number goes.
public enum ClaimDirection: String, CaseIterable, Codable, Sendable {
  case rising, falling, flat
}

/// A column of `runs.csv` and the key path that led to it.
public struct ColumnPath: Codable, Equatable, Sendable {
  /// As the study writes it.
  public var path: String
  /// The column's id.
  public var column: String

  /// A column by a path.
  public init(path: String, column: String) {
    self.path = path
    self.column = column
  }
}

/// Which rows a series is made of.
public struct SeriesSelector: Codable, Equatable, Sendable {
  /// A condition: the column has this value.
  public struct Condition: Codable, Equatable, Sendable {
    /// The column.
    public var column: ColumnPath
    /// The value's canonical spelling.
    public var value: String

    /// A condition.
    public init(column: ColumnPath, value: String) {
      self.column = column
      self.value = value
    }
  }

  /// The engine's label.
  public var engine: String
  /// The phase, nil for the claim's own.
  public var phase: String?
  /// All must be met.
  public var conditions: [Condition]

  enum CodingKeys: String, CodingKey {
    case engine, phase
    case conditions = "where"
  }

  /// A selector.
  public init(engine: String, phase: String? = nil, conditions: [Condition] = []) {
    self.engine = engine
    self.phase = phase
    self.conditions = conditions
  }

  /// In words: `sqlite page_bytes=4096 in load`.
  public var words: String {
    var text = engine
    for condition in conditions {
      let name = condition.column.path.split(separator: ".").last ?? ""
      text += " \(name)=\(condition.value)"
    }
    if let phase { text += " in \(phase)" }
    return text
  }
}

/// What a measured number is held against. All bounds are inclusive and optional.
public struct ClaimBounds: Codable, Equatable, Sendable {
  /// No less than this.
  public var atLeast: Double?
  /// No more than this.
  public var atMost: Double?
  /// Near this: within `tolerance` or `factor`.
  public var expected: Double?
  /// A fraction: 0.15 is ±15 % of `expected`.
  public var tolerance: Double?
  /// At least 1: between expected ÷ factor and expected × factor.
  public var factor: Double?

  enum CodingKeys: String, CodingKey {
    case atLeast = "at_least"
    case atMost = "at_most"
    case expected, tolerance, factor
  }

  /// Bounds.
  public init(
    atLeast: Double? = nil, atMost: Double? = nil, expected: Double? = nil, tolerance: Double? = nil,
    factor: Double? = nil
  ) {
    self.atLeast = atLeast
    self.atMost = atMost
    self.expected = expected
    self.tolerance = tolerance
    self.factor = factor
  }
}

/// A point of a publication.
public struct PublishedPoint: Codable, Equatable, Sendable {
  /// Along the axis.
  public var x: Double
  /// The published number.
  public var y: Double

  /// A point.
  public init(x: Double, y: Double) {
    self.x = x
    self.y = y
  }
}

/// A claim of a study.
public struct ClaimRequest: Codable, Equatable, Sendable {
  /// Its id, unique in the study.
  public var claim: String
  /// The sentence.
  public var sentence: String
  /// What kind of sentence it is.
  public var kind: ClaimKind
  /// The metric: a numeric column of `runs.csv` or `timing.csv`.
  public var metric: String
  /// A metric to divide by, row by row.
  public var per: String?
  /// The phase, nil where every series names its own.
  public var phase: String?
  /// The series it is about, in its order.
  public var series: [SeriesSelector]
  /// The axis it looks along.
  public var over: ColumnPath?
  /// Points with a smaller x do not count.
  public var smallestX: Double?
  /// Points with a larger x do not count.
  public var largestX: Double?
  /// How x is transformed before a line is laid.
  public var xTransform: AxisTransform?
  /// How y is transformed before a line is laid.
  public var yTransform: AxisTransform?
  /// Where a monotone claim goes.
  public var direction: ClaimDirection?
  /// What is expected.
  public var bounds: ClaimBounds
  /// The model of the report's catalogue it is held against.
  public var model: String?
  /// Published points it is held against.
  public var points: [PublishedPoint]?
  /// The file name of the figure it is about.
  public var figure: String?
  /// Paper, section, figure.
  public var source: String?

  enum CodingKeys: String, CodingKey {
    case claim, sentence, kind, metric, per, phase, series, over
    case smallestX = "x_at_least"
    case largestX = "x_at_most"
    case xTransform = "x_scale"
    case yTransform = "y_scale"
    case direction, bounds, model, points, figure, source
  }

  /// A claim; what is left out is nil.
  public init(
    claim: String, sentence: String, kind: ClaimKind, metric: String, per: String? = nil,
    phase: String? = nil, series: [SeriesSelector], over: ColumnPath? = nil, smallestX: Double? = nil,
    largestX: Double? = nil, xTransform: AxisTransform? = nil, yTransform: AxisTransform? = nil,
    direction: ClaimDirection? = nil, bounds: ClaimBounds = ClaimBounds(), model: String? = nil,
    points: [PublishedPoint]? = nil, figure: String? = nil, source: String? = nil
  ) {
    self.claim = claim
    self.sentence = sentence
    self.kind = kind
    self.metric = metric
    self.per = per
    self.phase = phase
    self.series = series
    self.over = over
    self.smallestX = smallestX
    self.largestX = largestX
    self.xTransform = xTransform
    self.yTransform = yTransform
    self.direction = direction
    self.bounds = bounds
    self.model = model
    self.points = points
    self.figure = figure
    self.source = source
  }
}
