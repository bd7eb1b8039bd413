# What an insert writes, by ε
# Draw again with: gnuplot insert_bytes.gnuplot
# Reads insert_bytes.csv, writes insert_bytes.svg and insert_bytes.png.

data = 'insert_bytes.csv'
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
set lmargin at screen 0.1090
set rmargin at screen 0.7750
set tmargin at screen 0.8085
set bmargin at screen 0.1348
set key off
is(s) = stringcolumn('line') eq s
unset logscale x
set xrange [0.0:1.03]
set xtics ('0.0' 0.0, '0.2' 0.2, '0.4' 0.4, '0.6' 0.6000000000000001, '0.8' 0.8, '1.0' 1.0)
set xlabel 'ε' noenhanced
set logscale y 10
set yrange [230.4:144179.2]
set ytics ('256' 256.0, '512' 512.0, '1 Ki' 1024.0, '2 Ki' 2048.0, '4 Ki' 4096.0, '8 Ki' 8192.0, '16 Ki' 16384.0, '32 Ki' 32768.0, '64 Ki' 65536.0, '128 Ki' 131072.0)
set ylabel 'Device bytes written per operation, log scale' noenhanced font ',14'
set ylabel offset char -1.5,0

do for [kind in 'svg png'] {
  if (kind eq 'svg') {
    set terminal svg size 1000,564 fixed font 'sans-serif,17' background rgb 'white'
  } else {
    set terminal pngcairo size 1000,564 font 'sans-serif,17' fontscale 0.75 background rgb 'white'
  }
  set output 'insert_bytes.'.kind
  unset label
  unset object
  set label 1 'What an insert writes, by ε' at screen 0.016, screen 0.9539 left noenhanced font ',22'
  set label 2 '800,000 records · batch 100 · durability prefix, at_checkpoints · memory 8 MiB · seed 5103132997656651' at screen 0.016, screen 0.9043 left noenhanced font ',15' textcolor rgb '#555555'
  set label 3 'memory device' at screen 0.016, screen 0.8670 left noenhanced font ',15' textcolor rgb '#555555'
  set object rectangle from screen 0.7930, screen 0.7837 to screen 0.8150, screen 0.7908 front fillcolor rgb '#cc79a7' fillstyle solid noborder
  set label '' at screen 0.8040, screen 0.7872 front point pointtype 7 pointsize 1.1 linecolor rgb '#cc79a7'
  set label 'be-256k: 129,038' at screen 0.8230, screen 0.7872 left noenhanced font ',16'
  set object rectangle from screen 0.7930, screen 0.7411 to screen 0.7970, screen 0.7482 front fillcolor rgb '#e8a673' fillstyle solid noborder
  set object rectangle from screen 0.8020, screen 0.7411 to screen 0.8060, screen 0.7482 front fillcolor rgb '#e8a673' fillstyle solid noborder
  set object rectangle from screen 0.8110, screen 0.7411 to screen 0.8150, screen 0.7482 front fillcolor rgb '#e8a673' fillstyle solid noborder
  set label 'btree-64k: 59,916' at screen 0.8230, screen 0.7447 left noenhanced font ',16'
  set object rectangle from screen 0.7930, screen 0.6986 to screen 0.8150, screen 0.7057 front fillcolor rgb '#56b4e9' fillstyle solid noborder
  set label '' at screen 0.8040, screen 0.7021 front point pointtype 7 pointsize 1.1 linecolor rgb '#56b4e9'
  set label 'be-64k: 39,617' at screen 0.8230, screen 0.7021 left noenhanced font ',16'
  set object rectangle from screen 0.7930, screen 0.6560 to screen 0.7970, screen 0.6631 front fillcolor rgb '#753400' fillstyle solid noborder
  set object rectangle from screen 0.8020, screen 0.6560 to screen 0.8060, screen 0.6631 front fillcolor rgb '#753400' fillstyle solid noborder
  set object rectangle from screen 0.8110, screen 0.6560 to screen 0.8150, screen 0.6631 front fillcolor rgb '#753400' fillstyle solid noborder
  set label 'btree-16k: 16,020' at screen 0.8230, screen 0.6596 left noenhanced font ',16'
  set object rectangle from screen 0.7930, screen 0.6135 to screen 0.7970, screen 0.6206 front fillcolor rgb '#0072b2' fillstyle solid noborder
  set object rectangle from screen 0.8020, screen 0.6135 to screen 0.8060, screen 0.6206 front fillcolor rgb '#0072b2' fillstyle solid noborder
  set object rectangle from screen 0.8110, screen 0.6135 to screen 0.8150, screen 0.6206 front fillcolor rgb '#0072b2' fillstyle solid noborder
  set label 'sqlite: 12,997' at screen 0.8230, screen 0.6170 left noenhanced font ',16'
  set object rectangle from screen 0.7930, screen 0.5709 to screen 0.8150, screen 0.5780 front fillcolor rgb '#f0e442' fillstyle solid noborder
  set label '' at screen 0.8040, screen 0.5745 front point pointtype 7 pointsize 1.1 linecolor rgb '#f0e442'
  set label 'be-16k: 12,347' at screen 0.8230, screen 0.5745 left noenhanced font ',16'
  set object rectangle from screen 0.7930, screen 0.5284 to screen 0.7970, screen 0.5355 front fillcolor rgb '#d55e00' fillstyle solid noborder
  set object rectangle from screen 0.8020, screen 0.5284 to screen 0.8060, screen 0.5355 front fillcolor rgb '#d55e00' fillstyle solid noborder
  set object rectangle from screen 0.8110, screen 0.5284 to screen 0.8150, screen 0.5355 front fillcolor rgb '#d55e00' fillstyle solid noborder
  set label 'btree: 4,913' at screen 0.8230, screen 0.5319 left noenhanced font ',16'
  set arrow from graph 0, first 4912.80896 to graph 1, first 4912.80896 nohead linewidth 2.2 dashtype 3 linecolor rgb '#d55e00'
  set label 'btree' at graph 0.01, first 4912.80896 left offset 0,0.5 noenhanced font ',14' textcolor rgb '#d55e00'
  set arrow from graph 0, first 16019.57888 to graph 1, first 16019.57888 nohead linewidth 2.2 dashtype 3 linecolor rgb '#753400'
  set label 'btree-16k' at graph 0.21, first 16019.57888 left offset 0,0.5 noenhanced font ',14' textcolor rgb '#753400'
  set arrow from graph 0, first 59916.07808 to graph 1, first 59916.07808 nohead linewidth 2.2 dashtype 3 linecolor rgb '#e8a673'
  set label 'btree-64k' at graph 0.41, first 59916.07808 left offset 0,0.5 noenhanced font ',14' textcolor rgb '#e8a673'
  set arrow from graph 0, first 12997.03296 to graph 1, first 12997.03296 nohead linewidth 2.2 dashtype 3 linecolor rgb '#0072b2'
  set label 'sqlite' at graph 0.61, first 12997.03296 left offset 0,0.5 noenhanced font ',14' textcolor rgb '#0072b2'
  plot \
    data using (is('be-16k') ? column('x') : NaN):(column('median')) with linespoints pointtype 7 pointsize 1.1 linewidth 2.2 linecolor rgb '#f0e442', \
    data using (is('be-64k') ? column('x') : NaN):(column('median')) with linespoints pointtype 7 pointsize 1.1 linewidth 2.2 linecolor rgb '#56b4e9', \
    data using (is('be-256k') ? column('x') : NaN):(column('median')) with linespoints pointtype 7 pointsize 1.1 linewidth 2.2 linecolor rgb '#cc79a7'
  unset output
}
