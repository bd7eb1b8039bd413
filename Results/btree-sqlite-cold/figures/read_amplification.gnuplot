# Read amplification: cold_read, scan_100, aged_full_scan
# Draw again with: gnuplot read_amplification.gnuplot
# Reads read_amplification.csv, writes read_amplification.svg and read_amplification.png.

data = 'read_amplification.csv'
set datafile separator comma
set datafile columnheaders
set encoding utf8
set style fill solid 1.0 noborder
set tics nomirror out scale 0.6 noenhanced textcolor rgb '#222222'
set border 3 linecolor rgb '#666666'
set grid linetype 1 linewidth 0.8 linecolor rgb '#dddddd'
# Three digits that matter and a unit of thousands.
grouped(v) = v < 1000 ? sprintf('%d', v) : sprintf('%d,%03d', v / 1000, v % 1000)
digits(v) = v < 9.995 ? sprintf('%.2f', v) : v < 99.95 ? sprintf('%.1f', v) : sprintf('%.0f', v)
short(v) = v == 0 ? '0' : v < 0.00995 ? sprintf('%.2g', v) : v < 0.9995 ? sprintf('%.3f', v) : v < 9.995 ? sprintf('%.2f', v) : v < 99.95 ? sprintf('%.1f', v) : v < 99999.5 ? grouped(int(v + 0.5)) : v < 999500 ? sprintf('%.0f k', v / 1e3) : v < 9.995e8 ? digits(v / 1e6).' M' : v < 9.995e11 ? digits(v / 1e9).' G' : sprintf('%.3g', v)
set yrange [310:0]
set grid xtics noytics
set key off
of(s, p, m) = stringcolumn('series') eq s && stringcolumn('phase') eq p ? column(m) : NaN
at(d) = column('position') + d
# A logarithmic axis has no place for 0: its label stands where the axis begins.
seen(v, low) = v < low ? low : v

do for [kind in 'svg png'] {
  if (kind eq 'svg') {
    set terminal svg size 1000,492 fixed font 'sans-serif,17' background rgb 'white'
  } else {
    set terminal pngcairo size 1000,492 font 'sans-serif,17' fontscale 0.75 background rgb 'white'
  }
  set output 'read_amplification.'.kind
  unset label
  unset object
  set label 1 'Read amplification: cold_read, scan_100, aged_full_scan' at screen 0.016, screen 0.9472 left noenhanced font ',22'
  set label 2 '500,000 records · 3 to 20,000 operations · batch 1,000 · durability prefix, at_checkpoints · memory 6.91 MiB' at screen 0.016, screen 0.8902 left noenhanced font ',15' textcolor rgb '#555555'
  set label 3 '3 seeds: median and 95 % interval · file (direct) device' at screen 0.016, screen 0.8476 left noenhanced font ',15' textcolor rgb '#555555'
  set multiplot
  set lmargin at screen 0.0930
  set rmargin at screen 0.5030
  set tmargin at screen 0.7846
  set bmargin at screen 0.1545
  set logscale x 10
  set xrange [0.1:423433.1893895971]
  set xtics ('0.1' 0.1, '1' 1.0, '10' 10.0, '100' 100.0, '1 k' 1000.0, '10 k' 10000.0, '100 k' 100000.0)
  set xlabel 'read transfers per operation, log scale' noenhanced
  set ytics ('btree' 52, 'sqlite' 88, 'btree' 154, 'sqlite' 190, 'btree' 256, 'sqlite' 292) scale 0
  set label 'phase cold_read, cold cache' at graph 0, first 19 left offset char 0.5,0 noenhanced font ',15' textcolor rgb '#555555'
  set label 'phase scan_100, warm cache' at graph 0, first 121 left offset char 0.5,0 noenhanced font ',15' textcolor rgb '#555555'
  set label 'phase aged_full_scan, cold cache' at graph 0, first 223 left offset char 0.5,0 noenhanced font ',15' textcolor rgb '#555555'
  plot \
    data using (of('btree', 'cold_read', 'ra_ios')):(at(0.0)):(0.1):(column('ra_ios')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#d55e00' fillcolor rgb '#d55e00', \
    data using (of('btree', 'cold_read', 'ra_ios')):(at(0.0)):(column('ra_ios_lower')):(column('ra_ios_upper')) with xerrorbars pointtype 0 linewidth 1.4 linecolor rgb '#222222', \
    data using (seen(of('btree', 'cold_read', 'ra_ios_upper'), 0.1)):(at(0.0)):(short(column('ra_ios'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('sqlite', 'cold_read', 'ra_ios')):(at(0.0)):(0.1):(column('ra_ios')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#0072b2' fillcolor rgb '#0072b2', \
    data using (of('sqlite', 'cold_read', 'ra_ios')):(at(0.0)):(column('ra_ios_lower')):(column('ra_ios_upper')) with xerrorbars pointtype 0 linewidth 1.4 linecolor rgb '#222222', \
    data using (seen(of('sqlite', 'cold_read', 'ra_ios_upper'), 0.1)):(at(0.0)):(short(column('ra_ios'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('btree', 'scan_100', 'ra_ios')):(at(0.0)):(0.1):(column('ra_ios')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#d55e00' fillcolor rgb '#d55e00', \
    data using (of('btree', 'scan_100', 'ra_ios')):(at(0.0)):(column('ra_ios_lower')):(column('ra_ios_upper')) with xerrorbars pointtype 0 linewidth 1.4 linecolor rgb '#222222', \
    data using (seen(of('btree', 'scan_100', 'ra_ios_upper'), 0.1)):(at(0.0)):(short(column('ra_ios'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('sqlite', 'scan_100', 'ra_ios')):(at(0.0)):(0.1):(column('ra_ios')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#0072b2' fillcolor rgb '#0072b2', \
    data using (of('sqlite', 'scan_100', 'ra_ios')):(at(0.0)):(column('ra_ios_lower')):(column('ra_ios_upper')) with xerrorbars pointtype 0 linewidth 1.4 linecolor rgb '#222222', \
    data using (seen(of('sqlite', 'scan_100', 'ra_ios_upper'), 0.1)):(at(0.0)):(short(column('ra_ios'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('btree', 'aged_full_scan', 'ra_ios')):(at(0.0)):(0.1):(column('ra_ios')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#d55e00' fillcolor rgb '#d55e00', \
    data using (of('btree', 'aged_full_scan', 'ra_ios')):(at(0.0)):(column('ra_ios_lower')):(column('ra_ios_upper')) with xerrorbars pointtype 0 linewidth 1.4 linecolor rgb '#222222', \
    data using (seen(of('btree', 'aged_full_scan', 'ra_ios_upper'), 0.1)):(at(0.0)):(short(column('ra_ios'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('sqlite', 'aged_full_scan', 'ra_ios')):(at(0.0)):(0.1):(column('ra_ios')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#0072b2' fillcolor rgb '#0072b2', \
    data using (of('sqlite', 'aged_full_scan', 'ra_ios')):(at(0.0)):(column('ra_ios_lower')):(column('ra_ios_upper')) with xerrorbars pointtype 0 linewidth 1.4 linecolor rgb '#222222', \
    data using (seen(of('sqlite', 'aged_full_scan', 'ra_ios_upper'), 0.1)):(at(0.0)):(short(column('ra_ios'))) with labels left offset char 0.4,0 noenhanced font ',15'
  unset label
  unset object
  set lmargin at screen 0.5490
  set rmargin at screen 0.9590
  set tmargin at screen 0.7846
  set bmargin at screen 0.1545
  set logscale x 10
  set xrange [1000.0:1548448366.596689]
  set xtics ('1 k' 1000.0, '10 k' 10000.0, '100 k' 100000.0, '1 M' 1000000.0, '10 M' 10000000.0, '100 M' 100000000.0, '1 G' 1000000000.0)
  set xlabel 'bytes read per operation, log scale' noenhanced
  set ytics ('' 52, '' 88, '' 154, '' 190, '' 256, '' 292) scale 0
  plot \
    data using (of('btree', 'cold_read', 'read_bytes_per_operation')):(at(0.0)):(1000.0):(column('read_bytes_per_operation')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#d55e00' fillcolor rgb '#d55e00', \
    data using (of('btree', 'cold_read', 'read_bytes_per_operation')):(at(0.0)):(column('read_bytes_per_operation_lower')):(column('read_bytes_per_operation_upper')) with xerrorbars pointtype 0 linewidth 1.4 linecolor rgb '#222222', \
    data using (seen(of('btree', 'cold_read', 'read_bytes_per_operation_upper'), 1000.0)):(at(0.0)):(short(column('read_bytes_per_operation'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('sqlite', 'cold_read', 'read_bytes_per_operation')):(at(0.0)):(1000.0):(column('read_bytes_per_operation')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#0072b2' fillcolor rgb '#0072b2', \
    data using (of('sqlite', 'cold_read', 'read_bytes_per_operation')):(at(0.0)):(column('read_bytes_per_operation_lower')):(column('read_bytes_per_operation_upper')) with xerrorbars pointtype 0 linewidth 1.4 linecolor rgb '#222222', \
    data using (seen(of('sqlite', 'cold_read', 'read_bytes_per_operation_upper'), 1000.0)):(at(0.0)):(short(column('read_bytes_per_operation'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('btree', 'scan_100', 'read_bytes_per_operation')):(at(0.0)):(1000.0):(column('read_bytes_per_operation')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#d55e00' fillcolor rgb '#d55e00', \
    data using (of('btree', 'scan_100', 'read_bytes_per_operation')):(at(0.0)):(column('read_bytes_per_operation_lower')):(column('read_bytes_per_operation_upper')) with xerrorbars pointtype 0 linewidth 1.4 linecolor rgb '#222222', \
    data using (seen(of('btree', 'scan_100', 'read_bytes_per_operation_upper'), 1000.0)):(at(0.0)):(short(column('read_bytes_per_operation'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('sqlite', 'scan_100', 'read_bytes_per_operation')):(at(0.0)):(1000.0):(column('read_bytes_per_operation')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#0072b2' fillcolor rgb '#0072b2', \
    data using (of('sqlite', 'scan_100', 'read_bytes_per_operation')):(at(0.0)):(column('read_bytes_per_operation_lower')):(column('read_bytes_per_operation_upper')) with xerrorbars pointtype 0 linewidth 1.4 linecolor rgb '#222222', \
    data using (seen(of('sqlite', 'scan_100', 'read_bytes_per_operation_upper'), 1000.0)):(at(0.0)):(short(column('read_bytes_per_operation'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('btree', 'aged_full_scan', 'read_bytes_per_operation')):(at(0.0)):(1000.0):(column('read_bytes_per_operation')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#d55e00' fillcolor rgb '#d55e00', \
    data using (of('btree', 'aged_full_scan', 'read_bytes_per_operation')):(at(0.0)):(column('read_bytes_per_operation_lower')):(column('read_bytes_per_operation_upper')) with xerrorbars pointtype 0 linewidth 1.4 linecolor rgb '#222222', \
    data using (seen(of('btree', 'aged_full_scan', 'read_bytes_per_operation_upper'), 1000.0)):(at(0.0)):(short(column('read_bytes_per_operation'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('sqlite', 'aged_full_scan', 'read_bytes_per_operation')):(at(0.0)):(1000.0):(column('read_bytes_per_operation')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#0072b2' fillcolor rgb '#0072b2', \
    data using (of('sqlite', 'aged_full_scan', 'read_bytes_per_operation')):(at(0.0)):(column('read_bytes_per_operation_lower')):(column('read_bytes_per_operation_upper')) with xerrorbars pointtype 0 linewidth 1.4 linecolor rgb '#222222', \
    data using (seen(of('sqlite', 'aged_full_scan', 'read_bytes_per_operation_upper'), 1000.0)):(at(0.0)):(short(column('read_bytes_per_operation'))) with labels left offset char 0.4,0 noenhanced font ',15'
  unset label
  unset object
  unset multiplot
  unset output
}
