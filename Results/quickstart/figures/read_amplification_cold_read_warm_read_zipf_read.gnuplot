# Read amplification: cold_read, warm_read, zipf_read
# Draw again with: gnuplot read_amplification_cold_read_warm_read_zipf_read.gnuplot
# Reads read_amplification_cold_read_warm_read_zipf_read.csv, writes read_amplification_cold_read_warm_read_zipf_read.svg and read_amplification_cold_read_warm_read_zipf_read.png.

data = 'read_amplification_cold_read_warm_read_zipf_read.csv'
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
set yrange [850:0]
set grid xtics noytics
set key off
of(s, p, m) = stringcolumn('series') eq s && stringcolumn('phase') eq p ? column(m) : NaN
at(d) = column('position') + d
# A logarithmic axis has no place for 0: its label stands where the axis begins.
seen(v, low) = v < low ? low : v

do for [kind in 'svg png'] {
  if (kind eq 'svg') {
    set terminal svg size 1000,1053 fixed font 'sans-serif,17' background rgb 'white'
  } else {
    set terminal pngcairo size 1000,1053 font 'sans-serif,17' fontscale 0.75 background rgb 'white'
  }
  set output 'read_amplification_cold_read_warm_read_zipf_read.'.kind
  unset label
  unset object
  set label 1 'Read amplification: cold_read, warm_read, zipf_read' at screen 0.016, screen 0.9753 left noenhanced font ',22'
  set label 2 '20,000 to 1,000,000 records · 300 to 50,000 operations · batch 1,000' at screen 0.016, screen 0.9487 left noenhanced font ',15' textcolor rgb '#555555'
  set label 3 'durability none, prefix, at_checkpoints, each_commit · memory 1 MiB to 13.8 MiB · seed 5103132997656651' at screen 0.016, screen 0.9288 left noenhanced font ',15' textcolor rgb '#555555'
  set label 4 'memory device' at screen 0.016, screen 0.9088 left noenhanced font ',15' textcolor rgb '#555555'
  set multiplot
  set lmargin at screen 0.2600
  set rmargin at screen 0.5870
  set tmargin at screen 0.8794
  set bmargin at screen 0.0722
  set logscale x 10
  set xrange [0.1:190.13480034519054]
  set xtics ('0.1' 0.1, '1' 1.0, '10' 10.0, '100' 100.0)
  set xlabel 'read transfers per operation, log scale' noenhanced
  set ytics ('null (1 M)' 52, 'append-log (20 k)' 88, 'sorted-file (100 k)' 124, 'sqlite-wal (1 M)' 160, 'sqlite-rollback (200 k)' 196, 'btree (1 M)' 232, 'bepsilon (1 M)' 268, 'null (1 M)' 334, 'append-log (20 k)' 370, 'sorted-file (100 k)' 406, 'sqlite-wal (1 M)' 442, 'sqlite-rollback (200 k)' 478, 'btree (1 M)' 514, 'bepsilon (1 M)' 550, 'null (1 M)' 616, 'append-log (20 k)' 652, 'sorted-file (100 k)' 688, 'sqlite-wal (1 M)' 724, 'sqlite-rollback (200 k)' 760, 'btree (1 M)' 796, 'bepsilon (1 M)' 832) scale 0
  set label 'phase cold_read, cold cache' at graph 0, first 19 left offset char 0.5,0 noenhanced font ',15' textcolor rgb '#555555'
  set label 'phase warm_read, warm cache' at graph 0, first 301 left offset char 0.5,0 noenhanced font ',15' textcolor rgb '#555555'
  set label 'phase zipf_read, warm cache' at graph 0, first 583 left offset char 0.5,0 noenhanced font ',15' textcolor rgb '#555555'
  plot \
    data using (of('null', 'cold_read', 'ra_ios')):(at(0.0)):(0.1):(column('ra_ios')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#999999' fillcolor rgb '#999999', \
    data using (seen(of('null', 'cold_read', 'ra_ios_upper'), 0.1)):(at(0.0)):(short(column('ra_ios'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('append-log', 'cold_read', 'ra_ios')):(at(0.0)):(0.1):(column('ra_ios')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#009e73' fillcolor rgb '#009e73', \
    data using (seen(of('append-log', 'cold_read', 'ra_ios_upper'), 0.1)):(at(0.0)):(short(column('ra_ios'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('sorted-file', 'cold_read', 'ra_ios')):(at(0.0)):(0.1):(column('ra_ios')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#cc79a7' fillcolor rgb '#cc79a7', \
    data using (seen(of('sorted-file', 'cold_read', 'ra_ios_upper'), 0.1)):(at(0.0)):(short(column('ra_ios'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('sqlite-wal', 'cold_read', 'ra_ios')):(at(0.0)):(0.1):(column('ra_ios')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#0072b2' fillcolor rgb '#0072b2', \
    data using (seen(of('sqlite-wal', 'cold_read', 'ra_ios_upper'), 0.1)):(at(0.0)):(short(column('ra_ios'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('sqlite-rollback', 'cold_read', 'ra_ios')):(at(0.0)):(0.1):(column('ra_ios')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#56b4e9' fillcolor rgb '#56b4e9', \
    data using (seen(of('sqlite-rollback', 'cold_read', 'ra_ios_upper'), 0.1)):(at(0.0)):(short(column('ra_ios'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('btree', 'cold_read', 'ra_ios')):(at(0.0)):(0.1):(column('ra_ios')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#d55e00' fillcolor rgb '#d55e00', \
    data using (seen(of('btree', 'cold_read', 'ra_ios_upper'), 0.1)):(at(0.0)):(short(column('ra_ios'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('bepsilon', 'cold_read', 'ra_ios')):(at(0.0)):(0.1):(column('ra_ios')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#e69f00' fillcolor rgb '#e69f00', \
    data using (seen(of('bepsilon', 'cold_read', 'ra_ios_upper'), 0.1)):(at(0.0)):(short(column('ra_ios'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('null', 'warm_read', 'ra_ios')):(at(0.0)):(0.1):(column('ra_ios')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#999999' fillcolor rgb '#999999', \
    data using (seen(of('null', 'warm_read', 'ra_ios_upper'), 0.1)):(at(0.0)):(short(column('ra_ios'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('append-log', 'warm_read', 'ra_ios')):(at(0.0)):(0.1):(column('ra_ios')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#009e73' fillcolor rgb '#009e73', \
    data using (seen(of('append-log', 'warm_read', 'ra_ios_upper'), 0.1)):(at(0.0)):(short(column('ra_ios'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('sorted-file', 'warm_read', 'ra_ios')):(at(0.0)):(0.1):(column('ra_ios')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#cc79a7' fillcolor rgb '#cc79a7', \
    data using (seen(of('sorted-file', 'warm_read', 'ra_ios_upper'), 0.1)):(at(0.0)):(short(column('ra_ios'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('sqlite-wal', 'warm_read', 'ra_ios')):(at(0.0)):(0.1):(column('ra_ios')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#0072b2' fillcolor rgb '#0072b2', \
    data using (seen(of('sqlite-wal', 'warm_read', 'ra_ios_upper'), 0.1)):(at(0.0)):(short(column('ra_ios'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('sqlite-rollback', 'warm_read', 'ra_ios')):(at(0.0)):(0.1):(column('ra_ios')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#56b4e9' fillcolor rgb '#56b4e9', \
    data using (seen(of('sqlite-rollback', 'warm_read', 'ra_ios_upper'), 0.1)):(at(0.0)):(short(column('ra_ios'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('btree', 'warm_read', 'ra_ios')):(at(0.0)):(0.1):(column('ra_ios')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#d55e00' fillcolor rgb '#d55e00', \
    data using (seen(of('btree', 'warm_read', 'ra_ios_upper'), 0.1)):(at(0.0)):(short(column('ra_ios'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('bepsilon', 'warm_read', 'ra_ios')):(at(0.0)):(0.1):(column('ra_ios')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#e69f00' fillcolor rgb '#e69f00', \
    data using (seen(of('bepsilon', 'warm_read', 'ra_ios_upper'), 0.1)):(at(0.0)):(short(column('ra_ios'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('null', 'zipf_read', 'ra_ios')):(at(0.0)):(0.1):(column('ra_ios')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#999999' fillcolor rgb '#999999', \
    data using (seen(of('null', 'zipf_read', 'ra_ios_upper'), 0.1)):(at(0.0)):(short(column('ra_ios'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('append-log', 'zipf_read', 'ra_ios')):(at(0.0)):(0.1):(column('ra_ios')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#009e73' fillcolor rgb '#009e73', \
    data using (seen(of('append-log', 'zipf_read', 'ra_ios_upper'), 0.1)):(at(0.0)):(short(column('ra_ios'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('sorted-file', 'zipf_read', 'ra_ios')):(at(0.0)):(0.1):(column('ra_ios')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#cc79a7' fillcolor rgb '#cc79a7', \
    data using (seen(of('sorted-file', 'zipf_read', 'ra_ios_upper'), 0.1)):(at(0.0)):(short(column('ra_ios'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('sqlite-wal', 'zipf_read', 'ra_ios')):(at(0.0)):(0.1):(column('ra_ios')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#0072b2' fillcolor rgb '#0072b2', \
    data using (seen(of('sqlite-wal', 'zipf_read', 'ra_ios_upper'), 0.1)):(at(0.0)):(short(column('ra_ios'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('sqlite-rollback', 'zipf_read', 'ra_ios')):(at(0.0)):(0.1):(column('ra_ios')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#56b4e9' fillcolor rgb '#56b4e9', \
    data using (seen(of('sqlite-rollback', 'zipf_read', 'ra_ios_upper'), 0.1)):(at(0.0)):(short(column('ra_ios'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('btree', 'zipf_read', 'ra_ios')):(at(0.0)):(0.1):(column('ra_ios')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#d55e00' fillcolor rgb '#d55e00', \
    data using (seen(of('btree', 'zipf_read', 'ra_ios_upper'), 0.1)):(at(0.0)):(short(column('ra_ios'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('bepsilon', 'zipf_read', 'ra_ios')):(at(0.0)):(0.1):(column('ra_ios')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#e69f00' fillcolor rgb '#e69f00', \
    data using (seen(of('bepsilon', 'zipf_read', 'ra_ios_upper'), 0.1)):(at(0.0)):(short(column('ra_ios'))) with labels left offset char 0.4,0 noenhanced font ',15'
  unset label
  unset object
  set lmargin at screen 0.6330
  set rmargin at screen 0.9600
  set tmargin at screen 0.8794
  set bmargin at screen 0.0722
  set logscale x 10
  set xrange [1000.0:19456140.920974966]
  set xtics ('1 k' 1000.0, '10 k' 10000.0, '100 k' 100000.0, '1 M' 1000000.0, '10 M' 10000000.0)
  set xlabel 'bytes read per operation, log scale' noenhanced
  set ytics ('' 52, '' 88, '' 124, '' 160, '' 196, '' 232, '' 268, '' 334, '' 370, '' 406, '' 442, '' 478, '' 514, '' 550, '' 616, '' 652, '' 688, '' 724, '' 760, '' 796, '' 832) scale 0
  plot \
    data using (of('null', 'cold_read', 'read_bytes_per_operation')):(at(0.0)):(1000.0):(column('read_bytes_per_operation')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#999999' fillcolor rgb '#999999', \
    data using (seen(of('null', 'cold_read', 'read_bytes_per_operation_upper'), 1000.0)):(at(0.0)):(short(column('read_bytes_per_operation'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('append-log', 'cold_read', 'read_bytes_per_operation')):(at(0.0)):(1000.0):(column('read_bytes_per_operation')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#009e73' fillcolor rgb '#009e73', \
    data using (seen(of('append-log', 'cold_read', 'read_bytes_per_operation_upper'), 1000.0)):(at(0.0)):(short(column('read_bytes_per_operation'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('sorted-file', 'cold_read', 'read_bytes_per_operation')):(at(0.0)):(1000.0):(column('read_bytes_per_operation')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#cc79a7' fillcolor rgb '#cc79a7', \
    data using (seen(of('sorted-file', 'cold_read', 'read_bytes_per_operation_upper'), 1000.0)):(at(0.0)):(short(column('read_bytes_per_operation'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('sqlite-wal', 'cold_read', 'read_bytes_per_operation')):(at(0.0)):(1000.0):(column('read_bytes_per_operation')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#0072b2' fillcolor rgb '#0072b2', \
    data using (seen(of('sqlite-wal', 'cold_read', 'read_bytes_per_operation_upper'), 1000.0)):(at(0.0)):(short(column('read_bytes_per_operation'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('sqlite-rollback', 'cold_read', 'read_bytes_per_operation')):(at(0.0)):(1000.0):(column('read_bytes_per_operation')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#56b4e9' fillcolor rgb '#56b4e9', \
    data using (seen(of('sqlite-rollback', 'cold_read', 'read_bytes_per_operation_upper'), 1000.0)):(at(0.0)):(short(column('read_bytes_per_operation'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('btree', 'cold_read', 'read_bytes_per_operation')):(at(0.0)):(1000.0):(column('read_bytes_per_operation')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#d55e00' fillcolor rgb '#d55e00', \
    data using (seen(of('btree', 'cold_read', 'read_bytes_per_operation_upper'), 1000.0)):(at(0.0)):(short(column('read_bytes_per_operation'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('bepsilon', 'cold_read', 'read_bytes_per_operation')):(at(0.0)):(1000.0):(column('read_bytes_per_operation')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#e69f00' fillcolor rgb '#e69f00', \
    data using (seen(of('bepsilon', 'cold_read', 'read_bytes_per_operation_upper'), 1000.0)):(at(0.0)):(short(column('read_bytes_per_operation'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('null', 'warm_read', 'read_bytes_per_operation')):(at(0.0)):(1000.0):(column('read_bytes_per_operation')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#999999' fillcolor rgb '#999999', \
    data using (seen(of('null', 'warm_read', 'read_bytes_per_operation_upper'), 1000.0)):(at(0.0)):(short(column('read_bytes_per_operation'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('append-log', 'warm_read', 'read_bytes_per_operation')):(at(0.0)):(1000.0):(column('read_bytes_per_operation')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#009e73' fillcolor rgb '#009e73', \
    data using (seen(of('append-log', 'warm_read', 'read_bytes_per_operation_upper'), 1000.0)):(at(0.0)):(short(column('read_bytes_per_operation'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('sorted-file', 'warm_read', 'read_bytes_per_operation')):(at(0.0)):(1000.0):(column('read_bytes_per_operation')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#cc79a7' fillcolor rgb '#cc79a7', \
    data using (seen(of('sorted-file', 'warm_read', 'read_bytes_per_operation_upper'), 1000.0)):(at(0.0)):(short(column('read_bytes_per_operation'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('sqlite-wal', 'warm_read', 'read_bytes_per_operation')):(at(0.0)):(1000.0):(column('read_bytes_per_operation')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#0072b2' fillcolor rgb '#0072b2', \
    data using (seen(of('sqlite-wal', 'warm_read', 'read_bytes_per_operation_upper'), 1000.0)):(at(0.0)):(short(column('read_bytes_per_operation'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('sqlite-rollback', 'warm_read', 'read_bytes_per_operation')):(at(0.0)):(1000.0):(column('read_bytes_per_operation')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#56b4e9' fillcolor rgb '#56b4e9', \
    data using (seen(of('sqlite-rollback', 'warm_read', 'read_bytes_per_operation_upper'), 1000.0)):(at(0.0)):(short(column('read_bytes_per_operation'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('btree', 'warm_read', 'read_bytes_per_operation')):(at(0.0)):(1000.0):(column('read_bytes_per_operation')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#d55e00' fillcolor rgb '#d55e00', \
    data using (seen(of('btree', 'warm_read', 'read_bytes_per_operation_upper'), 1000.0)):(at(0.0)):(short(column('read_bytes_per_operation'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('bepsilon', 'warm_read', 'read_bytes_per_operation')):(at(0.0)):(1000.0):(column('read_bytes_per_operation')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#e69f00' fillcolor rgb '#e69f00', \
    data using (seen(of('bepsilon', 'warm_read', 'read_bytes_per_operation_upper'), 1000.0)):(at(0.0)):(short(column('read_bytes_per_operation'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('null', 'zipf_read', 'read_bytes_per_operation')):(at(0.0)):(1000.0):(column('read_bytes_per_operation')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#999999' fillcolor rgb '#999999', \
    data using (seen(of('null', 'zipf_read', 'read_bytes_per_operation_upper'), 1000.0)):(at(0.0)):(short(column('read_bytes_per_operation'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('append-log', 'zipf_read', 'read_bytes_per_operation')):(at(0.0)):(1000.0):(column('read_bytes_per_operation')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#009e73' fillcolor rgb '#009e73', \
    data using (seen(of('append-log', 'zipf_read', 'read_bytes_per_operation_upper'), 1000.0)):(at(0.0)):(short(column('read_bytes_per_operation'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('sorted-file', 'zipf_read', 'read_bytes_per_operation')):(at(0.0)):(1000.0):(column('read_bytes_per_operation')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#cc79a7' fillcolor rgb '#cc79a7', \
    data using (seen(of('sorted-file', 'zipf_read', 'read_bytes_per_operation_upper'), 1000.0)):(at(0.0)):(short(column('read_bytes_per_operation'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('sqlite-wal', 'zipf_read', 'read_bytes_per_operation')):(at(0.0)):(1000.0):(column('read_bytes_per_operation')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#0072b2' fillcolor rgb '#0072b2', \
    data using (seen(of('sqlite-wal', 'zipf_read', 'read_bytes_per_operation_upper'), 1000.0)):(at(0.0)):(short(column('read_bytes_per_operation'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('sqlite-rollback', 'zipf_read', 'read_bytes_per_operation')):(at(0.0)):(1000.0):(column('read_bytes_per_operation')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#56b4e9' fillcolor rgb '#56b4e9', \
    data using (seen(of('sqlite-rollback', 'zipf_read', 'read_bytes_per_operation_upper'), 1000.0)):(at(0.0)):(short(column('read_bytes_per_operation'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('btree', 'zipf_read', 'read_bytes_per_operation')):(at(0.0)):(1000.0):(column('read_bytes_per_operation')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#d55e00' fillcolor rgb '#d55e00', \
    data using (seen(of('btree', 'zipf_read', 'read_bytes_per_operation_upper'), 1000.0)):(at(0.0)):(short(column('read_bytes_per_operation'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('bepsilon', 'zipf_read', 'read_bytes_per_operation')):(at(0.0)):(1000.0):(column('read_bytes_per_operation')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#e69f00' fillcolor rgb '#e69f00', \
    data using (seen(of('bepsilon', 'zipf_read', 'read_bytes_per_operation_upper'), 1000.0)):(at(0.0)):(short(column('read_bytes_per_operation'))) with labels left offset char 0.4,0 noenhanced font ',15'
  unset label
  unset object
  unset multiplot
  unset output
}
